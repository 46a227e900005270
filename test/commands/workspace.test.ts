import { expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommit } from '../../src/commands/workspace-commit.ts';
import { runLog } from '../../src/commands/workspace-log.ts';
import { runRestore } from '../../src/commands/workspace-restore.ts';
import { runVerify } from '../../src/commands/workspace-verify.ts';
import { PREFIX } from '../support/workspace/test-homes.ts';
import { commandWorldOfEachTest } from './support/workspace-world.ts';

/** What the commands answer; test/workspace/cli.test.ts runs them as people do. */
const { homes, take } = commandWorldOfEachTest();

const OF_ANN = { bucket: 'test', user: 'ann' };
const at = (path: string): string => join(homes().folder, path);

test('a folder becomes the state of a workspace, is listed, verified and restored', async () => {
  expect(await runLog({ ...OF_ANN, limit: 10 })).toBe(0);
  expect(take()).toContain('does not exist: nothing was ever written to it');

  mkdirSync(at('mine'));
  writeFileSync(at('mine/file'), 'content');
  const from = { ...OF_ANN, from: at('mine'), state: at('state') };
  expect(await runCommit(from)).toBe(0);
  expect(take()).toContain('as sequence 1 of s3://test/users/ann/');
  expect(await runCommit({ ...from, json: true })).toBe(0);
  expect(JSON.parse(take())).toMatchObject({ committed: false });

  expect(await runLog({ ...OF_ANN, limit: 10, json: true })).toBe(0);
  expect(JSON.parse(take())).toMatchObject({ head: { sequence: 1 }, commits: [{ files: 1, bytes: 7 }] });

  expect(await runVerify(OF_ANN)).toBe(0);
  expect(await runRestore({ ...OF_ANN, to: at('back') })).toBe(0);
  expect(readFileSync(at('back/file'), 'utf8')).toBe('content');
});

test('verify says 1 and what is damaged', async () => {
  const home = await homes().next();
  writeFileSync(join(home.folder, 'file'), 'content');
  await home.commit({});
  for (const [key, object] of homes().fake.buckets.get('test')!) {
    if (key.startsWith(`${PREFIX}.ws/packs/`)) object.body.fill(0);
  }
  expect(await runVerify({ ...OF_ANN, json: true })).toBe(1);
  expect(take()).toContain('.ws/packs/');
});
