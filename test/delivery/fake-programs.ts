import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../support/e2e/command.ts';

/** Programs of the tests that stand in for those of other people's services, and what they were asked. */
export interface FakePrograms {
  /** Goes before everything else in PATH. */
  readonly path: string;
  /** Each call as one line: the program and its arguments. */
  readonly calls: () => Promise<readonly string[]>;
}

/** `bodies` are bash: `$1`, `$2`, … are the arguments, `$state` a folder that lasts from call to call. */
export const makeFakePrograms = async (
  folder: string,
  bodies: Readonly<Record<string, string>>,
): Promise<FakePrograms> => {
  const state = join(folder, 'state');
  const log = join(folder, 'calls');
  const bin = join(folder, 'bin');
  await mkdir(bin, { recursive: true });
  await mkdir(state, { recursive: true });
  await writeFile(log, '');
  for (const [name, body] of Object.entries(bodies)) {
    const file = join(bin, name);
    await writeFile(file, `#!/usr/bin/env bash\nstate=${state}\necho "${name} $*" >>${log}\n${body}\n`);
    await chmod(file, 0o755);
  }
  return {
    path: `${bin}:${process.env.PATH ?? ''}`,
    calls: async () => (await readFile(log, 'utf8')).split('\n').filter((line) => line !== ''),
  };
};

const SCRIPTS = join(import.meta.dirname, '../../scripts');

/** One of scripts/, with these variables on top of the test's own; `folder` stands for release/. */
export const runScript = async (
  folder: string,
  [script, ...args]: readonly [string, ...string[]],
  variables: Readonly<Record<string, string>>,
): Promise<{ readonly exitCode: number; readonly output: string }> => {
  const { exitCode, stdout, stderr } = await runCommand(
    process.execPath,
    ['--no-warnings', join(SCRIPTS, script), ...args],
    { deadlineMs: 120_000, env: { ...process.env, MATRX_RELEASE_DIR: folder, ...variables } },
  );
  return { exitCode, output: `${stdout.toString()}${stderr}` };
};
