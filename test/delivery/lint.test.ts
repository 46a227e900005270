import { globSync } from 'node:fs';
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
