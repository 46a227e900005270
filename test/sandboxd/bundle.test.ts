import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startDaemonProgram } from './support/daemon-program.ts';
import { processClient } from './support/processes.ts';

const folder = mkdtempSync(join(tmpdir(), 'matrx-sandboxd-bundle-'));
beforeAll(() => {
  // In a process of its own: a bundler within jest would see jest's modules.
  const script = `import { buildSandboxd } from './build-sandboxd.ts'; await buildSandboxd(${JSON.stringify(`${folder}/built`)});`;
  execFileSync(process.execPath, ['--input-type=module-typescript', '--eval', script], { stdio: 'inherit' });
  // Away from node_modules, as in the image.
  cpSync(join(folder, 'built'), join(folder, 'image'), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FLAGS = ['--jitless', '--max-semi-space-size=1', '--optimize-for-size'];

describe('the bundled daemon', () => {
  test('runs commands and terminals from its folder alone, in less than 60 MB', async () => {
    const program = await startDaemonProgram([...FLAGS, join(folder, 'image/main.js')]);
    expect(program.memory('VmRSS')).toBeLessThan(60_000_000);
    const { run } = processClient(program);
    expect(await run({ shell: 'cd /usr; echo hi' })).toMatchObject({ stdout: 'hi\n', end: { cwd: '/usr' } });
    const { pty } = await run({ argv: ['tty'], pty: { cols: 80, rows: 24 } });
    expect(pty).toContain('/dev/pts/');
  });
});
