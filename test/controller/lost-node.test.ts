import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { aSandbox, type SandboxBuilder } from '../support/resources.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.stop());

const status = (name = 'demo') => world.sandbox(name)?.status;
const isReady = (name = 'demo'): boolean => world.ready(name)?.status === 'True';
const says = (reason: string) => (): boolean => world.standing('demo')?.reason === reason;
const isElsewhere = (): boolean => isReady() && status()?.node === 'node-2';
const start = async (sandbox: SandboxBuilder = aSandbox('demo')): Promise<void> => {
  world.create(sandbox);
  await world.until('Ready', isReady);
  expect(status()?.node).toBe('node-1');
};

describe('a sandbox whose node is lost', () => {
  test('is Ready on another within seconds of its being lost, with the next epoch [F16]', async () => {
    await start();
    world.node.write('demo');
    await world.run(2);
    world.node.write('demo');
    world.node.silence('node-1');
    await world.run(1);
    expect(world.ready('demo')).toMatchObject({ status: 'False', reason: 'NodeLost' });
    await world.until('Ready on the other node', isElsewhere, 20);
    expect(world.workspace('ann')?.status).toMatchObject({
      writer: { epoch: 2 },
      session: { epoch: 2, state: 'Open', node: 'node-2' },
      head: { sequence: 1 },
    });
    expect(world.events).toContain('demo: NodeLost');
  });

  test('has it said in its Workspace what is not known of its files, and where they are once they are', async () => {
    await start();
    world.node.write('demo');
    world.node.silence('node-1');
    await world.until('Ready on the other node', isElsewhere, 20);
    const conflict = () => findCondition(world.workspace('ann')?.status?.conditions, 'Conflict');
    await world.until('told', () => conflict()?.reason === 'NodeLost', 5);
    expect(conflict()).toMatchObject({ status: 'Unknown' });
    const manifest = '.ws/conflicts/0000000001-0123456789abcdef.json.gz';
    world.api.update('workspaces', 'ann', ({ status: before, ...workspace }) => ({
      ...workspace,
      status: { ...before, conflicts: (before?.conflicts ?? []).map((lost) => ({ ...lost, manifest })) },
    }));
    await world.until('told', () => conflict()?.status === 'True', 5);
    expect(conflict()?.message).toContain(manifest);
    await world.run(600);
    expect(conflict()).toMatchObject({ status: 'True', reason: 'Fenced' });
    world.api.update('workspaces', 'ann', ({ spec, ...workspace }) => ({
      ...workspace,
      spec: { ...spec, conflictsSeen: 1 },
    }));
    await world.until('seen', () => conflict()?.status === 'False', 5);
    expect(isReady()).toBe(true);
  });

  test('and that loses its finalizer by hand leaves a lock which is given up with the node', async () => {
    await start();
    world.node.silence('node-1');
    world.api.erase('sandboxes', 'demo');
    world.create(aSandbox('next'));
    await world.until('Ready', () => isReady('next'), 60);
    expect(world.workspace('ann')?.status).toMatchObject({
      writer: { sandbox: 'next', epoch: 2 },
      conflicts: [{ epoch: 1, node: 'node-1' }],
    });
  });

  test('is told that what came after the last commit is not saved, until another session is open', async () => {
    await start();
    world.node.bucket.reachable = false;
    world.node.write('demo');
    await world.run(2);
    world.node.silence('node-1');
    await world.until('given up', () => world.workspace('ann')?.status?.writer?.epoch === 2);
    const saved = findCondition(status()?.conditions, 'WorkspaceSaved');
    expect(saved).toMatchObject({ status: 'False', reason: 'NodeLost' });
    expect(saved?.message).toContain('on node node-1, which is lost');
  });

  test('is not disturbed by the return of that node', async () => {
    await start();
    world.node.silence('node-1');
    await world.until('Ready on the other node', isElsewhere, 20);
    await world.run(5);
    const before = [status(), world.workspace('ann')?.status];
    world.node.returns('node-1');
    await world.run(120);
    expect([status(), world.workspace('ann')?.status]).toEqual(before);
  });

  test('goes on where it is when the node is heard of again in time', async () => {
    await start();
    const before = status();
    world.node.silence('node-1');
    await world.run(8);
    world.node.returns('node-1');
    await world.until('Ready again', isReady, 5);
    await world.run(60);
    expect(status()).toMatchObject({ podUid: before?.podUid, node: 'node-1', workspace: { epoch: 1 } });
  });

  test('waits for it where no other node is Ready: a machine that starts again, or a network that is down', async () => {
    await start();
    world.node.silence('node-2');
    world.node.silence('node-1');
    await world.run(5);
    const before = world.api.history.length;
    await world.run(3_600);
    expect(world.api.history.length).toBe(before);
    expect(world.api.newest().pods.size).toBe(1);
    world.node.returns('node-1');
    await world.run(30);
    expect(status()).toMatchObject({ workspace: { epoch: 1 } });
    expect(isReady()).toBe(true);
  });

  test('goes on as soon as another node is Ready', async () => {
    await start();
    world.node.silence('node-2');
    world.node.silence('node-1');
    await world.run(600);
    world.node.returns('node-2');
    await world.until('Ready on the other node', isElsewhere, 10);
  });

  test('goes on at once when the node was deleted from the cluster', async () => {
    await start();
    world.api.erase('nodes', 'node-1');
    await world.until('Ready on the other node', isElsewhere, 8);
  });

  test('and that is ephemeral starts empty elsewhere', async () => {
    await start(aSandbox('demo').ephemeral());
    world.node.silence('node-1');
    await world.until('Ready on the other node', isElsewhere, 20);
  });

  test('stops without it, is not called saved, and its record is kept for who has to look', async () => {
    await start(aSandbox('demo').with({ lifetime: { ttlSeconds: 7_200, onExpire: 'Stop', retainSeconds: 0 } }));
    world.node.silence('node-1');
    world.want('demo', 'Stopped');
    await world.until('Stopped', says('Stopped'), 20);
    expect(findCondition(status()?.conditions, 'WorkspaceSaved')).toMatchObject({
      status: 'Unknown',
      reason: 'NodeLost',
    });
    expect(world.workspace('ann')?.status).not.toHaveProperty('writer');
    await world.run(3_600);
    expect(world.sandbox('demo')).toBeDefined();
  });

  test('is deleted without it, and the next sandbox of the user starts elsewhere', async () => {
    await start();
    world.node.silence('node-1');
    world.api.delete('sandboxes', 'demo');
    world.create(aSandbox('next'));
    await world.until('Ready', () => isReady('next'), 30);
    expect(world.sandbox('demo')).toBeUndefined();
    expect(world.workspace('ann')?.status).toMatchObject({ writer: { sandbox: 'next', epoch: 2 } });
  });

  test('that was ending just then is not waited for either', async () => {
    await start();
    world.node.bucket.reachable = false;
    world.node.write('demo');
    world.api.delete('pods', 'demo');
    await world.run(5);
    expect(world.workspace('ann')?.status?.session?.state).toBe('Saving');
    world.node.bucket.reachable = true;
    world.node.silence('node-1');
    await world.until('Ready on the other node', isElsewhere, 20);
  });
});
