import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { RestoreRequest } from '../../../src/workspace/home.ts';
import { bundled } from '../bundled.ts';
import type { FakeS3 } from '../fake-s3/server.ts';
import { PREFIX } from './test-homes.ts';

export interface ProgramRun {
  readonly child: ChildProcess;
  /** How it ended: its exit code, or the signal that killed it. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null; readonly said: string }>;
}

export type RunHomeProgram = (fake: FakeS3, folder: string, epoch: number, request?: RestoreRequest) => ProgramRun;

/** Gives what starts home-program.ts on a home of `folder`, for the tests of this file. */
export const homeProgram = (): RunHomeProgram => {
  const program = bundled(new URL('./home-program.ts', import.meta.url));
  return (fake, folder, epoch, request) => {
    const child = spawn(
      process.execPath,
      [...program.args, fake.endpoint, PREFIX, String(epoch), `${folder}/home`, `${folder}/state`].concat(
        request === undefined ? [] : [JSON.stringify(request)],
      ),
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...program.env } },
    );
    let said = '';
    child.stdout.on('data', (data: Buffer) => (said += data.toString()));
    child.stderr.on('data', (data: Buffer) => (said += data.toString()));
    const ended = once(child, 'close').then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as string | null,
      said,
    }));
    return { child, ended };
  };
};
