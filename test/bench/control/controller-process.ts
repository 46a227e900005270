import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { parseAllDocuments } from 'yaml';
import { systemClock } from '../../../src/base/clock.ts';
import { waitFor } from '../../../src/local/wait.ts';
import { parsePrometheusText, type PrometheusSample } from './prometheus-text.ts';

/** What one process has used so far, from /proc. Memory in bytes. */
export interface Used {
  readonly cpuSeconds: number;
  readonly resident: number;
  /** The most that it has ever been. */
  readonly residentPeak: number;
  readonly sockets: number;
}

export interface ControllerProcess {
  readonly used: () => Promise<Used>;
  readonly metrics: () => Promise<readonly PrometheusSample[]>;
  /** SIGTERM; resolves when it has ended. */
  readonly stop: () => Promise<void>;
}

export interface ControllerOptions {
  /** The bundle that the image holds. */
  readonly bundle: string;
  readonly kubeconfig: string;
  readonly log: string;
  /** More arguments for Node, such as --cpu-prof. */
  readonly nodeArguments: readonly string[];
}

const PORT = 18081;
const MANIFEST = new URL('../../../manifests/base/controller.yaml', import.meta.url);

/** NODE_OPTIONS as the Deployment sets it: a heap with other limits is another size. */
const nodeOptions = async (): Promise<string> => {
  const documents = parseAllDocuments(await readFile(MANIFEST, 'utf8'));
  const deployment = documents.find((document) => document.get('kind') === 'Deployment')?.toJS() as
    | { readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } } }
    | undefined;
  const found = deployment?.spec.template.spec.containers
    .flatMap(({ env }) => env)
    .find(({ name }) => name === 'NODE_OPTIONS');
  if (found?.value === undefined) throw new Error(`${MANIFEST.pathname}: the controller has no NODE_OPTIONS`);
  return found.value;
};

interface Container {
  readonly env: readonly { readonly name: string; readonly value?: string }[];
}

/** The product's controller, as its image runs it, once it leads. */
export const startController = async (options: ControllerOptions): Promise<ControllerProcess> => {
  const { bundle, kubeconfig, log, nodeArguments } = options;
  const child = spawn(process.execPath, [...nodeArguments, bundle, 'controller'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      NODE_OPTIONS: await nodeOptions(),
      KUBECONFIG: kubeconfig,
      MATRX_HTTP_PORT: String(PORT),
      MATRX_COLD_PROVIDER: 'off',
    },
  });
  const file = createWriteStream(log, { flags: 'a' });
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  const exited = once(child, 'exit');
  const pid = child.pid ?? 0;
  const metrics = async (): Promise<readonly PrometheusSample[]> => {
    const answer = await fetch(`http://127.0.0.1:${PORT}/metrics`, { signal: AbortSignal.timeout(10_000) });
    return parsePrometheusText(await answer.text());
  };
  await waitFor(
    async () => {
      if (child.exitCode !== null) throw new Error(`the controller has ended with ${child.exitCode}: see ${log}`);
      const leads = (await metrics()).find(({ name }) => name === 'leader_election_master_status');
      return leads?.value === 1 ? true : undefined;
    },
    { clock: systemClock, what: 'the controller', deadlineMs: 60_000 },
  );
  return {
    metrics,
    used: () => usedBy(pid),
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      file.end();
    },
  };
};

/** proc_pid_stat(5): utime and stime are the fields 14 and 15, in ticks of which Linux has 100 a second for programs. */
const usedBy = async (pid: number): Promise<Used> => {
  const [stat, status, files] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
    readdir(`/proc/${pid}/fd`),
  ]);
  const open = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => 'closed')));
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN) * 1024;
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
    resident: bytes('VmRSS'),
    residentPeak: bytes('VmHWM'),
    sockets: open.filter((target) => target.startsWith('socket:')).length,
  };
};
