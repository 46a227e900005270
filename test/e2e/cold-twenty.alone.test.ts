import { expect } from '@jest/globals';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { bucketWith, coldObjects, mountProcess, startWithCold, stolenCredentials } from '../support/e2e/cold/cold.ts';
import type { SandboxBuilder } from '../support/e2e/sandbox-builder.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const USERS = 20;
/** So many start at a time. */
const AT_ONCE = 4;
const FORBIDDEN = { reason: 'Forbidden' };
/** What all of them ask for together has to fit on one node. */
const SMALL = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '512Mi' } };

scenario(
  '20 sandboxes of 20 users have 20 mounts, and the key of one of them reaches none of the others',
  900,
  async (cluster) => {
    const sandboxes = Array.from({ length: USERS }, (_, n) => aSandbox(`cold-twenty-${n}`).with({ resources: SMALL }));
    const waiting = [...sandboxes];
    const startSome = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await startWithCold(cluster, next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, startSome));

    const processes = await Promise.all(sandboxes.map(({ userId }) => mountProcess(cluster, userId)));
    expect(new Set(processes).size).toBe(USERS);
    for (const { name, userId } of sandboxes) await cluster.shell(name, `echo ${userId} > /data/cold/mine`);
    for (const { name, userId } of sandboxes) {
      expect(await cluster.shell(name, 'cat /data/cold/mine; ls -A /data/cold')).toBe(`${userId}\nmine\n`);
    }

    const [thief, ...victims] = sandboxes as [SandboxBuilder, ...SandboxBuilder[]];
    const [victim] = victims as [SandboxBuilder];
    // What is in the bucket for sure, to be refused for its owner and not for being absent.
    await cluster.remove(victim.name, 120_000);
    expect(Object.keys(await coldObjects(cluster, victim.userId))).toEqual(['mine']);

    const store = bucketWith(cluster, await stolenCredentials(processes[0] ?? 0));
    try {
      const own = workspacePrefix(thief.userId);
      await store.put(`${own}cold/stolen`, Buffer.from('x'));
      expect((await store.get(`${own}cold/stolen`)).body.toString()).toBe('x');
      await expect(store.list('')[Symbol.asyncIterator]().next()).rejects.toMatchObject(FORBIDDEN);
      await expect(store.list('users/')[Symbol.asyncIterator]().next()).rejects.toMatchObject(FORBIDDEN);
      for (const { userId } of victims) {
        const prefix = workspacePrefix(userId);
        await expect(store.get(`${prefix}cold/mine`)).rejects.toMatchObject(FORBIDDEN);
        await expect(store.get(`${prefix}.ws/HEAD`)).rejects.toMatchObject(FORBIDDEN);
        await expect(store.put(`${prefix}cold/mine`, Buffer.from('x'))).rejects.toMatchObject(FORBIDDEN);
        await expect(store.list(prefix)[Symbol.asyncIterator]().next()).rejects.toMatchObject(FORBIDDEN);
      }
    } finally {
      store.close();
    }
    await Promise.all([thief, ...victims.slice(1)].map(({ name }) => cluster.remove(name, 300_000)));
    for (const { userId } of victims) expect(Object.keys(await coldObjects(cluster, userId))).toEqual(['mine']);
  },
);
