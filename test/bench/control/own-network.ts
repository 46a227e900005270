import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { NODE_ADDRESS } from '../../../src/local/cluster/network.ts';

/** Set in the process that runs in the network of its own. */
export const INSIDE = 'MATRX_BENCH_CONTROL_INSIDE';

/**
 * Runs this very program again in a network, and a tree of processes, of its own: the control plane takes the same
 * addresses there as `make up`'s, which may run beside it, and all of it ends with the program, whatever happens.
 * Resolves with its exit code. Needs root.
 */
export const runInOwnNetwork = async (env: Readonly<Record<string, string>>): Promise<number> => {
  const [node, ...rest] = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const prepare = `ip link set lo up && ip address add ${NODE_ADDRESS}/32 dev lo && exec "$@"`;
  const child = spawn(
    'unshare',
    [
      '--net',
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child=SIGKILL',
      'sh',
      '-c',
      prepare,
      'sh',
      node ?? '',
      ...rest,
    ],
    { stdio: 'inherit', env: { ...process.env, ...env, [INSIDE]: '1' } },
  );
  // A terminal sends it to the whole group; the program inside ends itself, and its exit is waited for here.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGKILL'));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
};
