import { spawn, type ChildProcess } from 'node:child_process';
import { access, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, connect, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { type CommandOptions, type CommandResult, runCommand, succeed } from '../e2e/command.ts';
import type { Environment } from '../e2e/environment.ts';
import { eventually } from '../e2e/eventually.ts';

const SCRIPT = join(import.meta.dirname, 'machine.sh');
/** Where `up` keeps its state in a machine; outside it is a folder of the machine's. */
const STATE = '/var/lib/matrx-local';
const UP_MS = 300_000;

/**
 * A machine in this machine (machine.sh), for a whole installation beside the one that other tests use: `matrx up` runs
 * in it as it does anywhere. Nothing of it is left after `powerOff` but what is in its folder.
 */
export interface Machine {
  readonly folder: string;
  /** Runs a program in it; any exit code but 0 is a CommandError. */
  readonly run: (argv: readonly [string, ...string[]], options: CommandOptions) => Promise<CommandResult>;
  /** `matrx up` from a checkout. Resolves with what it printed. */
  readonly up: (checkout: string, env?: Readonly<Record<string, string>>) => Promise<string>;
  /** Makes its API server, facade and S3 server reachable from here; what `matrx env` would print. */
  readonly environment: () => Promise<Environment>;
  /** Leads a port of its loopback address to a socket, as `environment` leaves them in another machine's folder. */
  readonly serve: (port: number, socket: string) => Promise<void>;
  /** The process id, outside, of its first process. */
  readonly firstProcess: () => Promise<number>;
  /** SIGKILL to everything that runs in it, all at once. */
  readonly powerOff: () => Promise<void>;
}

/** The part of the machine's folder that it has as `up`'s state folder. */
export const stateOf = (folder: string): string => join(folder, 'matrx-local');

/** Starts one on `folder`, which may hold what an earlier machine left there. */
export const startMachine = async (folder: string, signal: AbortSignal): Promise<Machine> => {
  await mkdir(stateOf(folder), { recursive: true });
  // Whatever the machine around it has: nothing is to be downloaded, and its datastore is to be one that is known here.
  const choice = { kind: 'modules', why: 'a machine of its own reaches no download' };
  await writeFile(join(stateOf(folder), 'cluster.json'), JSON.stringify(choice));
  await rm(join(folder, 'up'), { force: true });
  const log = await open(join(folder, 'log'), 'a');
  const first = spawn(SCRIPT, ['start', folder], { stdio: ['ignore', log.fd, log.fd], detached: true });
  await log.close();
  const ended = new Promise<void>((resolve) => void first.once('close', () => resolve()));
  const others: ChildProcess[] = [];
  const servers: Server[] = [];

  let isOn = true;
  const powerOff = async (): Promise<void> => {
    if (!isOn) return;
    isOn = false;
    first.kill('SIGKILL');
    await ended;
    for (const other of others) other.kill('SIGKILL');
    for (const server of servers) server.close();
    await eventually(
      'its control groups are empty',
      async () => (await runCommand(SCRIPT, ['remove', folder], { deadlineMs: 40_000 })).exitCode === 0,
      { deadlineMs: 120_000 },
    );
  };
  try {
    await eventually(
      'the machine stands',
      async () => {
        if (first.exitCode !== null) throw new Error(await readFile(join(folder, 'log'), 'utf8'));
        await access(join(folder, 'up'));
        return true;
      },
      { deadlineMs: 120_000, everyMs: 50, signal },
    );
  } catch (error) {
    await powerOff();
    throw error;
  }

  /** A port here for an address in the machine: through a socket in its folder, because it has no network with us. */
  const reach = async (name: string, address: string): Promise<number> => {
    const socket = join(folder, `${name}.sock`);
    const inside = ['socat', `UNIX-LISTEN:${socket},fork,unlink-early`, `TCP:${address}`];
    others.push(spawn(SCRIPT, ['enter', folder, '--', ...inside], { stdio: 'ignore' }));
    await eventually('the way in is open', () => access(socket).then(() => true), {
      deadlineMs: 120_000,
      everyMs: 50,
      signal,
    });
    const server = createServer((client) => {
      const target = connect(socket);
      client.pipe(target).pipe(client);
      client.on('error', () => target.destroy());
      target.on('error', () => client.destroy());
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return (server.address() as AddressInfo).port;
  };

  const firstProcess = async (): Promise<number> =>
    Number((await readFile(`/proc/${first.pid}/task/${first.pid}/children`, 'utf8')).trim());
  const run: Machine['run'] = (argv, options) =>
    succeed(SCRIPT, ['enter', folder, '--', ...argv], { env: ownEnvironment(), ...options });
  return Object.freeze<Machine>({
    folder,
    run,
    up: async (checkout, env = {}) => {
      const { stdout, stderr } = await run([process.execPath, join(checkout, 'src/main.ts'), 'up'], {
        deadlineMs: UP_MS,
        signal,
        env: { ...ownEnvironment(), ...env },
      });
      return `${stdout.toString()}${stderr}`;
    },
    environment: async () => {
      const state = stateOf(folder);
      const url = new URL((await readFile(join(state, 'url'), 'utf8')).trim());
      const kubeconfig = await readFile(join(state, 'kubeconfig'), 'utf8');
      const api = /^ *"?server"?: "?(https:\/\/[^"\s]+)"?/m.exec(kubeconfig)?.[1];
      if (api === undefined) throw new Error(`${state}/kubeconfig names no server`);
      const bucket = JSON.parse(await readFile(join(state, 's3/bucket.json'), 'utf8')) as EmbeddedBucket;
      const local = join(folder, 'kubeconfig');
      await reach('s3-iam', new URL(bucket.iam).host);
      const port = await reach('api', new URL(api).host);
      await writeFile(local, kubeconfig.replace(api, `https://127.0.0.1:${port}`), { mode: 0o600 });
      return Object.freeze({
        KUBECONFIG: local,
        MATRX_URL: `http://127.0.0.1:${await reach('facade', `${url.hostname}:${url.port === '' ? 80 : url.port}`)}`,
        MATRX_API_KEY: (await readFile(join(state, 'api-key'), 'utf8')).trim(),
        MATRX_S3_BUCKET: bucket.bucket,
        AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${await reach('s3', new URL(bucket.endpoint).host)}`,
        AWS_ACCESS_KEY_ID: bucket.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: bucket.credentials.secretAccessKey,
        AWS_REGION: bucket.region,
      });
    },
    serve: async (port, socket) => {
      const listen = ['socat', `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr`, `UNIX-CONNECT:${socket}`];
      others.push(spawn(SCRIPT, ['enter', folder, '--', ...listen], { stdio: 'ignore' }));
      await eventually(
        `port ${port} is open in the machine`,
        async () => (await run(['ss', '-Hltn', `sport = :${port}`], { deadlineMs: 20_000 })).stdout.length > 0,
        { deadlineMs: 120_000, everyMs: 50, signal },
      );
    },
    firstProcess,
    powerOff,
  });
};

interface EmbeddedBucket {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string;
  readonly iam: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** This process's, without what names the installation that other tests use: the machine makes one of its own. */
const ownEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(AWS_|MATRX_(?!CACHE_DIR$)|KUBECONFIG$|DOCKER_HOST$)/.test(name)),
  ),
  MATRX_STATE_DIR: STATE,
});
