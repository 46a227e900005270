import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { bundled } from '../bundled.ts';
import type { Environment } from '../e2e/environment.ts';

export interface HomeProgramSettings {
  readonly s3: {
    readonly bucket: string;
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly prefix: string;
  readonly epoch: number;
  readonly home: string;
  readonly state: string;
}

export const s3Settings = (environment: Environment, endpoint: string): HomeProgramSettings['s3'] => ({
  bucket: environment.MATRX_S3_BUCKET,
  endpoint,
  region: environment.AWS_REGION,
  credentials: { accessKeyId: environment.AWS_ACCESS_KEY_ID, secretAccessKey: environment.AWS_SECRET_ACCESS_KEY },
});

export interface HomeProcess {
  /** SIGKILL. Resolves when the process is dead. */
  readonly kill: () => Promise<void>;
  /** True when it did all it had to; false when it was killed. Rejects, with what it said, when it failed by itself. */
  readonly ended: Promise<boolean>;
}

/** Milliseconds for one process; each of them handles a few megabytes on the loopback. */
const DEADLINE_MS = 60_000;

export type StartHomeProcess = (settings: HomeProgramSettings) => HomeProcess;

/** Gives what runs ./home-program.ts, for the tests of this file. */
export const homeProcesses = (): StartHomeProcess => {
  const program = bundled(new URL('./home-program.ts', import.meta.url));
  return (settings) =>
    watched(
      spawn(process.execPath, [...program.args, JSON.stringify(settings)], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...program.env },
      }),
    );
};

const watched = (child: ChildProcessByStdio<null, Readable, Readable>): HomeProcess => {
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, 'close');
  let killed = false;
  const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);

  const ended = async (): Promise<boolean> => {
    const [code] = (await exited) as [number | null];
    clearTimeout(timer);
    if (killed) return false;
    if (code === 0) return true;
    throw new Error(`the home process ${code === null ? `took longer than ${DEADLINE_MS} ms` : 'failed'}: ${said}`);
  };
  return {
    kill: async () => {
      killed = true;
      child.kill('SIGKILL');
      await exited;
    },
    ended: ended(),
  };
};
