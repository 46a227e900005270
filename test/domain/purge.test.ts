import { describe, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import type { Node } from '../../src/api/node.ts';
import type { Workspace, WorkspaceStatus } from '../../src/api/workspace.ts';
import type { WorkspacePurge } from '../../src/api/workspace-purge.ts';
import { type ObservedWorkspace, planWorkspace } from '../../src/domain/plan-workspace.ts';
import { aSandbox, aWorkspace, heldBy } from '../support/resources.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const holder = aSandbox('demo').build();
const purging: WorkspacePurge = { state: 'Purging', node: 'node-1', objects: 7, updatedAt: '2026-01-01T11:59:00Z' };

interface Deleted {
  readonly status?: WorkspaceStatus;
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: Partial<Workspace['spec']>;
}

const deleted = ({ status = {}, labels = {}, spec = {} }: Deleted = {}): Workspace => {
  const workspace = aWorkspace('ann', status);
  return {
    ...workspace,
    metadata: { ...workspace.metadata, labels, deletionTimestamp: '2026-01-01T11:00:00Z' },
    spec: { ...workspace.spec, deletionPolicy: 'Purge', ...spec },
  };
};
const asked = { 'matrx.dev/purge': 'requested' };
const planned = (workspace: Workspace, seen: Partial<ObservedWorkspace> = {}) =>
  planWorkspace({ now: NOW, workspace, holder: undefined, pod: undefined, ...seen });
const kinds = (...of: Parameters<typeof planned>) => planned(...of).map(({ kind }) => kind);
const said = (...of: Parameters<typeof planned>) => {
  const [write] = planned(...of);
  return write?.kind === 'writeWorkspaceConditions' ? findCondition(write.conditions, 'Ready') : undefined;
};
const nodesOf = (...names: readonly string[]) =>
  new Map<string, Node>(names.map((name) => [name, { metadata: { name } }]));

describe('a Workspace that is deleted with the policy Purge', () => {
  test('asks the node drivers to delete its files, once', () => {
    expect(kinds(deleted())).toEqual(['requestPurge', 'requeue']);
    expect(kinds(deleted({ labels: asked }))).toEqual(['writeWorkspaceConditions']);
  });

  test('stays until a driver has found that nothing is left, and says how far that is', () => {
    expect(said(deleted({ labels: asked }))).toMatchObject({ status: 'False', reason: 'Purging' });
    const message = 'AccessDenied';
    expect(said(deleted({ labels: asked, status: { purge: { ...purging, message } } }))).toMatchObject({
      reason: 'Purging',
      message: 'node node-1 deletes its files from the bucket, 7 objects so far; AccessDenied',
    });
    expect(kinds(deleted({ labels: asked, status: { purge: { ...purging, state: 'Purged' } } }))).toEqual([
      'emitEvent',
      'removeWorkspaceFinalizer',
    ]);
  });

  test('is told of in an event that says so where older versions stay', () => {
    const purge: WorkspacePurge = { ...purging, state: 'Purged', message: 'older versions stay' };
    expect(planned(deleted({ labels: asked, status: { purge } }))[0]).toMatchObject({
      kind: 'emitEvent',
      reason: 'Purged',
      note: expect.stringMatching(/7 objects.*; older versions stay$/),
    });
  });

  test('keeps its files as long as a sandbox writes to it', () => {
    expect(kinds(deleted({ status: heldBy(holder) }), { holder })).toEqual(['writeWorkspaceConditions']);
  });

  test('waits for a lost node that may yet save files of it, and for none that is gone from the cluster', () => {
    const conflicts = [{ epoch: 3, node: 'node-2', since: '2026-01-01T11:00:00Z' }];
    const waiting = deleted({ status: { conflicts } });
    expect(said(waiting, { nodes: nodesOf('node-1', 'node-2') })).toMatchObject({ reason: 'NodeLost' });
    expect(kinds(waiting, { nodes: nodesOf('node-1') })).toContain('requestPurge');
    const acknowledged = deleted({ status: { conflicts }, spec: { conflictsSeen: 3 } });
    expect(kinds(acknowledged, { nodes: nodesOf('node-1', 'node-2') })).toContain('requestPurge');
  });

  test('and has another’s name has no files: it goes, and nothing is deleted', () => {
    expect(kinds(deleted({ spec: { userId: 'bob' } }))).toEqual(['removeWorkspaceFinalizer']);
  });

  test.each([['Retain' as const], [undefined]])('leaves its files where the policy is %s by then', (deletionPolicy) => {
    const workspace = deleted();
    const { deletionPolicy: _purge, ...spec } = workspace.spec;
    const kept = { ...workspace, spec: deletionPolicy === undefined ? spec : { ...spec, deletionPolicy } };
    expect(kinds(kept)).toEqual(['removeWorkspaceFinalizer']);
  });
});
