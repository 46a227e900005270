import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { pythonPrograms } from '../../scripts/python-programs.ts';
import { runCommand } from '../support/e2e/command.ts';

const ROOT = join(import.meta.dirname, '../..');
const dockerfiles = globSync('{Dockerfile,sandbox-image/**/Dockerfile}', { cwd: ROOT }).toSorted();

it('hadolint finds nothing in the Dockerfiles', async () => {
  expect(dockerfiles).toContain('Dockerfile');
  expect(dockerfiles).toContain('sandbox-image/Dockerfile');
  const hadolint = join(await pythonPrograms(join(ROOT, 'scripts/lint-requirements.txt')), 'hadolint');
  const { exitCode, stdout } = await runCommand(hadolint, ['--no-color', ...dockerfiles], {
    deadlineMs: 120_000,
    cwd: ROOT,
  });
  expect({ exitCode, found: stdout.toString() }).toEqual({ exitCode: 0, found: '' });
}, 300_000);

it('shellcheck finds nothing in the shell scripts', async () => {
  const scripts = globSync('{scripts,sandbox-image/**,.ci}/*', { cwd: ROOT })
    .filter((path) => /^#!.*\b(ba)?sh\b/.test(firstLine(join(ROOT, path))))
    .toSorted();
  expect(scripts).toContain('scripts/roll-out-host.sh');
  const { exitCode, stdout } = await runCommand('shellcheck', scripts, { deadlineMs: 120_000, cwd: ROOT });
  expect({ exitCode, found: stdout.toString() }).toEqual({ exitCode: 0, found: '' });
}, 150_000);

const firstLine = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').split('\n', 1)[0] ?? '';
  } catch {
    return ''; // a folder
  }
};
