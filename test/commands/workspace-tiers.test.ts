import { beforeEach, expect, test } from '@jest/globals';
import { runCleanup } from '../../src/commands/workspace-cleanup.ts';
import { runStats } from '../../src/commands/workspace-stats.ts';
import { commandWorldOfEachTest } from './support/workspace-world.ts';

const { homes, take } = commandWorldOfEachTest();

beforeEach(async () => {
  for (const key of ['.ws/blobs/a', '.ws/packs/a.tar', 'cold/x', 'cold/y/z']) {
    await homes().store.put(`users/bob/${key}`, Buffer.from('12345'));
  }
  await homes().store.put('users/bobby/cold/x', Buffer.from('1'));
});

const OF_BOB = { bucket: 'test', user: 'bob' };

const left = async (): Promise<readonly string[]> => {
  const keys: string[] = [];
  for await (const { key } of homes().store.list('users/')) keys.push(key);
  return keys;
};

test('stats prints a table, or JSON with the names of the original', async () => {
  expect(await runStats(OF_BOB)).toBe(0);
  expect(take()).toMatch(/^s3:\/\/test\/users\/bob\/\nTIER +OBJECTS +SIZE\nhot +2 +10 B\ncold +2 +10 B\n$/);
  expect(await runStats({ ...OF_BOB, json: true })).toBe(0);
  expect(JSON.parse(take())).toEqual({
    hot: { total_objects: 2, total_size_bytes: 10 },
    cold: { total_objects: 2, total_size_bytes: 10 },
    head: null,
  });
});

test('cleanup deletes the tier that is named, of that user', async () => {
  expect(await runCleanup({ ...OF_BOB, tier: 'cold', yes: true })).toBe(0);
  expect(take()).toBe('s3://test/users/bob/: 2 objects of cold deleted\n');
  expect(await left()).toEqual(['users/bob/.ws/blobs/a', 'users/bob/.ws/packs/a.tar', 'users/bobby/cold/x']);
  expect(await runCleanup({ ...OF_BOB, tier: 'all', yes: true, json: true })).toBe(0);
  expect(JSON.parse(take())).toEqual({ hot: 2, cold: 0 });
  expect(await left()).toEqual(['users/bobby/cold/x']);
});

test('cleanup deletes nothing where it cannot ask', async () => {
  await expect(runCleanup({ ...OF_BOB, tier: 'hot' })).rejects.toThrow('give --yes');
  expect(await left()).toHaveLength(5);
});
