import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { aSandbox } from '../support/resources.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld({ installation: { userQuota: { sandboxes: 2 } } });
});
afterEach(() => world.stop());

const isReady = (name: string): boolean => world.ready(name)?.status === 'True';
const NAMES = ['a', 'b', 'c', 'd'] as const;
const create = (name: string, user = 'ann'): void =>
  world.create(aSandbox(name).ofUser(user).inWorkspace({ ephemeral: true }));

test('a user has as many sandboxes as one may have, whoever asks for them and at whatever moment', async () => {
  for (const name of NAMES) create(name);
  create('other', 'bob');
  await world.until('two are Ready', () => NAMES.filter(isReady).length === 2 && isReady('other'), 60);
  await world.run(120);
  const ready = NAMES.filter(isReady);
  expect(ready).toHaveLength(2);
  const waiting = NAMES.filter((name) => !isReady(name));
  expect(waiting.map((name) => world.standing(name)?.reason)).toEqual(['QuotaExceeded', 'QuotaExceeded']);

  world.want(ready[0] as string, 'Stopped');
  await world.until('the next has its place', () => waiting.filter(isReady).length === 1, 60);
  await world.run(120);
  expect(NAMES.filter(isReady)).toHaveLength(2);
});
