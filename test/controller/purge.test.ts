import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { aSandbox } from '../support/resources.ts';
import { makeWorld, type World } from './world.ts';

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.stop());

const change = (to: (workspace: Workspace) => Workspace): void => world.api.update('workspaces', 'ann', to);
const isAsked = (): boolean => world.workspace('ann')?.metadata.labels?.['matrx.dev/purge'] !== undefined;
const drivers = (state: 'Purging' | 'Purged'): void =>
  change(({ status, ...workspace }) => ({
    ...workspace,
    status: { ...status, purge: { state, node: 'node-1', objects: 3, updatedAt: '2026-01-01T00:00:00Z' } },
  }));

test('a Workspace to be purged goes when nobody writes to it and a driver has found nothing left, and not before', async () => {
  world.create(aSandbox('demo'));
  await world.until('Ready', () => world.ready('demo')?.status === 'True');
  change(({ spec, ...workspace }) => ({ ...workspace, spec: { ...spec, deletionPolicy: 'Purge' } }));
  world.api.delete('workspaces', 'ann');
  await world.run(60);
  expect(isAsked()).toBe(false);
  expect(world.ready('demo')?.status).toBe('True');

  world.api.delete('sandboxes', 'demo');
  await world.until('asked', isAsked, 30);
  drivers('Purging');
  await world.run(3_600);
  expect(world.workspace('ann')).toBeDefined();

  drivers('Purged');
  await world.until('gone', () => world.workspace('ann') === undefined, 10);
  expect(world.events).toContain('ann: Purged');
});

test('a sandbox that comes meanwhile waits, and starts with an empty home after that', async () => {
  world.create(aSandbox('demo'));
  await world.until('Ready', () => world.ready('demo')?.status === 'True');
  world.api.delete('sandboxes', 'demo');
  await world.until('gone', () => world.sandbox('demo') === undefined);
  change(({ spec, ...workspace }) => ({ ...workspace, spec: { ...spec, deletionPolicy: 'Purge' } }));
  world.api.delete('workspaces', 'ann');
  await world.until('asked', isAsked, 10);
  world.create(aSandbox('next'));
  await world.run(60);
  expect(world.ready('next')).toMatchObject({ status: 'False', reason: 'WaitingForWorkspace' });
  drivers('Purged');
  await world.until('Ready', () => world.ready('next')?.status === 'True', 60);
});

test('a node that was lost and may yet save files of it is waited for, until it is deleted from the cluster', async () => {
  world.create(aSandbox('demo'));
  await world.until('Ready', () => world.ready('demo')?.status === 'True');
  world.node.silence('node-1');
  world.api.delete('sandboxes', 'demo');
  await world.until('gone', () => world.sandbox('demo') === undefined, 60);
  change(({ spec, ...workspace }) => ({ ...workspace, spec: { ...spec, deletionPolicy: 'Purge' } }));
  world.api.delete('workspaces', 'ann');
  await world.run(600);
  expect(isAsked()).toBe(false);
  expect(findCondition(world.workspace('ann')?.status?.conditions, 'Ready')).toMatchObject({ reason: 'NodeLost' });
  world.api.erase('nodes', 'node-1');
  await world.until('asked', isAsked, 10);
});
