import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.stop());

const isReady = (name: string) => (): boolean => world.ready(name)?.status === 'True';
const says = (name: string, reason: string) => (): boolean => world.standing(name)?.reason === reason;
const isGone = (name: string) => (): boolean => world.sandbox(name) === undefined;
const saved = (name: string) => findCondition(world.sandbox(name)?.status?.conditions, 'WorkspaceSaved');

describe('a Sandbox', () => {
  test('starts with five writes up to the one that the node driver waits for', async () => {
    world.create(aSandbox('demo'));
    await world.until('the pod is known', () => world.sandbox('demo')?.status?.podUid !== undefined);
    expect(world.client().writes.slice(0, 5)).toEqual([
      'patch sandboxes/demo',
      'create workspaces/ann',
      'patch workspaces/ann/status',
      'create pods/demo',
      'patch sandboxes/demo/status',
    ]);
  });

  // Each station of the start was a status of its own, and an event: it took eight writes.
  test('of an ephemeral home starts with three writes and one event, with two where it came with the finalizer', async () => {
    const startQuickly = async (name: string, sandbox = aSandbox(name).ephemeral()): Promise<void> => {
      world.create(sandbox);
      for (let waitedMs = 0; waitedMs < 1_000 && !isReady(name)(); waitedMs += 100) {
        world.node.step(name);
        await world.clock.advance(100);
      }
      expect(isReady(name)()).toBe(true);
    };
    await startQuickly('demo');
    await startQuickly('other', aSandbox('other').ephemeral().finalized());
    await world.run(60);
    expect(world.client().writes).toEqual([
      'patch sandboxes/demo',
      'create pods/demo',
      'patch sandboxes/demo/status',
      'create pods/other',
      'patch sandboxes/other/status',
    ]);
    expect(world.events).toEqual(['demo: Ready', 'other: Ready']);
  });

  test('is Ready when its home is restored, and its story can be read', async () => {
    world.create(aSandbox('demo'));
    await world.until('Ready', isReady('demo'));
    expect(world.events.filter((event) => event.startsWith('demo'))).toEqual(['demo: WorkspaceCreated', 'demo: Ready']);
  });

  test('is left alone once it is Ready: no write in ten minutes', async () => {
    world.create(aSandbox('demo'));
    await world.until('Ready', isReady('demo'));
    await world.run(5);
    const before = world.api.history.length;
    await world.run(600);
    expect(world.api.history.length).toBe(before);
  });

  test('is one of a hundred that are Ready: no write in ten minutes', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `demo-${index}`);
    for (const name of names) world.create(aSandbox(name).ofUser(name));
    await world.until('all Ready', () => names.every((name) => isReady(name)()));
    await world.run(5);
    const before = world.api.history.length;
    await world.run(600);
    expect(world.api.history.length).toBe(before);
  });

  test('is saved and let go when it is deleted', async () => {
    world.create(aSandbox('demo'));
    await world.until('Ready', isReady('demo'));
    world.node.write('demo');
    world.api.delete('sandboxes', 'demo');
    await world.until('gone', isGone('demo'));
    await world.run(2);
    expect(world.workspace('ann')?.status).toMatchObject({
      epoch: 1,
      session: { state: 'Closed' },
      head: { sequence: 2 },
    });
    expect(world.workspace('ann')?.status).not.toHaveProperty('writer');
    expect(findCondition(world.workspace('ann')?.status?.conditions, 'Ready')?.reason).toBe('Available');
  });

  test('stops, stays listed, and starts again with the next epoch', async () => {
    world.create(aSandbox('demo'));
    await world.until('Ready', isReady('demo'));
    world.want('demo', 'Stopped');
    await world.until('Stopped', says('demo', 'Stopped'));
    expect(saved('demo')).toMatchObject({ status: 'True', reason: 'Saved' });
    expect(world.sandbox('demo')?.status).not.toHaveProperty('podName');
    expect(world.api.newest().pods.size).toBe(0);
    world.want('demo', 'Running');
    await world.until('Ready', isReady('demo'));
    expect(world.workspace('ann')?.status).toMatchObject({
      writer: { epoch: 2 },
      session: { epoch: 2, state: 'Open' },
    });
  });

  test('of the same user waits, naming the holder, and starts as soon as that has let go', async () => {
    world.create(aSandbox('first'));
    await world.until('Ready', isReady('first'));
    world.create(aSandbox('second'));
    await world.until('in use', says('second', 'WorkspaceInUse'));
    expect(world.ready('second')?.message).toContain('sandbox first');
    world.api.delete('sandboxes', 'first');
    await world.until('Ready', isReady('second'));
    expect(isGone('first')()).toBe(true);
  });

  test('whose template comes later starts then', async () => {
    world.create(aSandbox('demo').with({ templateRef: { name: 'gpu' } }));
    await world.until('no template', says('demo', 'TemplateNotFound'));
    expect(world.workspace('ann')).toBeUndefined();
    world.api.create('templates', aTemplate('gpu'));
    await world.until('Ready', isReady('demo'));
  });

  test('whose pod is refused says why, in the API server’s words, and starts when it is taken', async () => {
    world.client().refusePods('pods "demo" is forbidden: exceeded quota: cpu');
    world.create(aSandbox('demo'));
    await world.until('refused', says('demo', 'PodRefused'));
    expect(world.ready('demo')?.message).toContain('exceeded quota: cpu');
    const statusWrites = () => world.client().writes.filter((write) => write === 'patch sandboxes/demo/status').length;
    const before = statusWrites();
    await world.run(60);
    expect(statusWrites()).toBe(before);
    world.client().refusePods(undefined);
    await world.until('Ready', isReady('demo'));
  });

  test('whose name a foreign pod has says so, touches it not, and starts when it is gone [F12]', async () => {
    world.api.create('pods', { metadata: { name: 'demo', namespace: 'sandboxes' } });
    world.create(aSandbox('demo'));
    await world.until('taken', says('demo', 'PodNameTaken'));
    await world.run(30);
    expect(world.api.newest().pods.get('demo')?.metadata).not.toHaveProperty('ownerReferences');
    world.api.erase('pods', 'demo');
    await world.until('Ready', isReady('demo'));
  });

  test('whose pod is evicted, killed or forgotten gets another, with everything saved in between [F16]', async () => {
    world.create(aSandbox('demo'));
    await world.until('Ready', isReady('demo'));
    const uid = () => world.sandbox('demo')?.status?.podUid;
    for (const harm of [
      world.node.evict,
      (name: string) => world.api.delete('pods', name),
      (name: string) => world.api.erase('pods', name),
    ]) {
      world.node.write('demo');
      const before = uid();
      harm('demo');
      await world.until('Ready with another pod', () => uid() !== undefined && uid() !== before && isReady('demo')());
    }
    expect(world.workspace('ann')?.status).toMatchObject({ epoch: 4, head: { epoch: 3 } });
  });

  test('stays while the bucket is away, says so, and goes once everything is saved [F14]', async () => {
    world.create(aSandbox('demo'));
    await world.until('Ready', isReady('demo'));
    world.node.bucket.reachable = false;
    world.node.write('demo');
    world.api.delete('sandboxes', 'demo');
    await world.until('unreachable', says('demo', 'StorageUnreachable'));
    expect(saved('demo')).toMatchObject({ status: 'False', reason: 'StorageUnreachable' });
    await world.run(300);
    expect(world.workspace('ann')?.status?.writer).toMatchObject({ sandbox: 'demo' });
    world.node.bucket.reachable = true;
    await world.until('gone', isGone('demo'));
    expect(world.workspace('ann')?.status?.session).toMatchObject({ state: 'Closed', dirty: false });
  });
});

describe('a Workspace', () => {
  test('outlives a deletion while somebody writes to it', async () => {
    world.create(aSandbox('demo'));
    await world.until('Ready', isReady('demo'));
    world.api.delete('workspaces', 'ann');
    await world.run(60);
    expect(isReady('demo')()).toBe(true);
    world.api.delete('sandboxes', 'demo');
    await world.until('both gone', () => isGone('demo')() && world.workspace('ann') === undefined);
  });

  test('whose Sandbox was removed by force is let go after its home is saved [F14]', async () => {
    world.create(aSandbox('demo'));
    await world.until('Ready', isReady('demo'));
    world.node.write('demo');
    world.api.erase('sandboxes', 'demo');
    // The node goes on by itself: kubelet ends the pod, the driver saves.
    for (let step = 0; step < 20; step++) world.node.step('demo');
    await world.until('released', () => world.workspace('ann')?.status?.writer === undefined);
    expect(world.workspace('ann')?.status).toMatchObject({ session: { state: 'Closed' }, head: { sequence: 1 } });
  });
});
