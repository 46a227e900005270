import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { afterAll, expect, test } from '@jest/globals';
import { listPrograms } from '../../src/base/process-identity.ts';
import { eventually } from '../support/e2e/eventually.ts';

/** Two programs with a command line that nothing else has: one as it is, one in a pid namespace of its own. */
const SECONDS = `300.${process.pid}`;
const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const children = [
  spawn('sleep', [SECONDS], { stdio: 'ignore' }),
  spawn('unshare', [...asRoot, '--pid', '--fork', '--kill-child', 'sleep', SECONDS], { stdio: 'ignore' }),
];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

test('the programs of a machine are not those of its containers', async () => {
  const [here = 0, around = 0] = children.map(({ pid }) => pid);
  const inside = await eventually(
    'the program in the namespace runs',
    async () => {
      const child = Number((await readFile(`/proc/${around}/task/${around}/children`, 'utf8')).trim());
      const line = child === 0 ? '' : await readFile(`/proc/${child}/cmdline`, 'utf8');
      return line.startsWith('sleep') && child;
    },
    { deadlineMs: 120_000, everyMs: 20 },
  );
  const pids = (await listPrograms()).map(({ pid }) => pid);
  expect(pids).toEqual(expect.arrayContaining([here, around]));
  expect(pids).not.toContain(inside);
});
