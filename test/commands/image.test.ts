import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { runCommand } from '../support/e2e/command.ts';

const project = join(import.meta.dirname, '../..');

/** The command as a person gives it, with what it says before it does anything. */
const matrx = async (...args: readonly string[]) => {
  const { exitCode, stderr } = await runCommand(process.execPath, ['src/main.ts', 'image', ...args], {
    deadlineMs: 50_000,
    cwd: project,
    env: process.env,
  });
  return { exitCode, stderr };
};

it.each([
  [['build', 'all', '--tag', 'team/all:1'], '--tag names one image'],
  [['build', 'core', '--on', 'full'], '--on is for a folder'],
  [['build', 'core', '--tag', 'Team'], 'small letters and a tag, as in team/data:1'],
  [['build', 'sandbox-image/examples/data'], 'needs --tag NAME:TAG'],
  [
    ['build', 'ful', '--tag', 'team/full:1'],
    'ful has no Dockerfile: name `product`, `core`, `full`, `all` or a folder',
  ],
])('matrx image %j says what is wrong, and builds nothing', async (args, message) => {
  const { exitCode, stderr } = await matrx(...args);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});
