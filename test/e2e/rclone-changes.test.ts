import { expect, jest, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rcloneProgram } from '../../src/local/cluster/binaries.ts';
import { run } from '../../src/local/command.ts';
import { COMPILER_FLAG, goEnvironment } from '../../src/local/go-build.ts';
import { changeModule, type GoChanges } from '../../src/local/go-changes.ts';

// Go's own tests of what is different in our rclone (rclone/*_test.go), on the module as it is built; no cluster.
jest.setTimeout(900_000);

test('files are removed while they are uploaded, and markers of folders are asked for once, as said', async () => {
  // Flags and environment are those of the build: Go has its packages compiled already.
  const { source, changes, flags } = rcloneProgram(fileURLToPath(new URL('../..', import.meta.url)));
  if (!('folder' in source)) throw new Error('rclone is built from a folder');
  const staging = await mkdtemp(join(tmpdir(), 'matrx-rclone-changes-'));
  const env = goEnvironment(process.env);
  try {
    const changed = await changeModule(source.folder, changes as GoChanges, staging, { env });
    const said = await run(['go', 'test', '-count=1', COMPILER_FLAG, ...flags, ...changed, '.'], {
      cwd: source.folder,
      env,
    });
    expect(said).toMatch(/^ok\s+matrx\.dev\/rclone/m);
  } finally {
    await rm(staging, { recursive: true });
  }
});
