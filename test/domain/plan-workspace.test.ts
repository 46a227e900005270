import { describe, expect, test } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import type { Workspace, WorkspaceStatus } from '../../src/api/workspace.ts';
import { type ObservedWorkspace, planWorkspace } from '../../src/domain/plan-workspace.ts';
import { aPodOf, aSandbox, aSession, aWorkspace, heldBy } from '../support/resources.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const holder = aSandbox('demo').build();
const planned = (workspace: Workspace, seen: Partial<ObservedWorkspace> = {}) =>
  planWorkspace({ now: NOW, workspace, holder: undefined, pod: undefined, ...seen });
const of = (status: WorkspaceStatus): Workspace => aWorkspace('ann', status);
const without = (workspace: Workspace, finalizers: readonly string[] = []): Workspace => ({
  ...workspace,
  metadata: { ...workspace.metadata, finalizers },
});
const deleted = (workspace: Workspace): Workspace => ({
  ...workspace,
  metadata: { ...workspace.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
});
const said = (workspace: Workspace, type: string, seen: Partial<ObservedWorkspace> = {}) => {
  const [action] = planned(workspace, seen);
  return action?.kind === 'writeWorkspaceConditions' ? findCondition(action.conditions, type) : action;
};

describe('a Workspace', () => {
  test.each([
    ['nobody uses', of({}), { status: 'True', reason: 'Available' }],
    ['a sandbox uses', of(heldBy(holder)), { status: 'True', reason: 'InUse', message: 'sandbox demo writes to it' }],
    [
      'cannot be opened',
      of({
        ...heldBy(holder),
        session: aSession('Restoring', { reason: 'WorkspaceCorrupt', message: 'pack 1 is missing' }),
      }),
      { status: 'False', reason: 'WorkspaceCorrupt' },
    ],
    [
      'nobody uses, whose last session was given up with its node while it could not be restored,',
      of({ session: aSession('Restoring', { reason: 'StorageUnreachable' }) }),
      { status: 'True', reason: 'Available' },
    ],
    [
      'is used anew after such a session',
      of({ ...heldBy(holder, 4), session: aSession('Restoring', { reason: 'StorageUnreachable' }) }),
      { status: 'True', reason: 'InUse' },
    ],
    [
      'has a name that no sandbox looks for',
      { ...of({}), spec: { userId: 'bob' } },
      { status: 'False', reason: 'WorkspaceMismatch' },
    ],
    ['is being deleted and in use', deleted(of(heldBy(holder))), { status: 'False', reason: 'Terminating' }],
  ])('that %s says so in Ready', (_what, workspace, expected) => {
    expect(said(workspace, 'Ready', { holder })).toMatchObject(expected);
  });

  test('tells whether it is saved, and of a conflict', () => {
    expect(said(of({}), 'Saved')).toMatchObject({ status: 'True', reason: 'Empty' });
    expect(said(of({ session: aSession('Open', { dirty: true }) }), 'Saved')).toMatchObject({
      status: 'False',
      reason: 'UnsavedChanges',
    });
    expect(said(of({ session: aSession('Closed') }), 'Conflict')).toMatchObject({ status: 'False' });
    expect(said(of({ session: aSession('Conflict') }), 'Conflict')).toMatchObject({ status: 'True', reason: 'Fenced' });
  });

  test('that says it already is left alone', () => {
    const [write] = planned(of({}));
    if (write?.kind !== 'writeWorkspaceConditions') throw new Error('no conditions');
    expect(planned(of({ conditions: [...write.conditions], observedGeneration: 1 }))).toEqual([]);
  });

  test('made by hand gets the finalizer', () => {
    expect(planned(without(of({})))[0]).toMatchObject({
      kind: 'addWorkspaceFinalizer',
      finalizers: ['matrx.dev/writer'],
    });
  });

  test('is let go when nobody writes, and not before', () => {
    expect(planned(deleted(of({})))).toEqual([
      expect.objectContaining({ kind: 'removeWorkspaceFinalizer', finalizers: [] }),
    ]);
    expect(planned(deleted(of(heldBy(holder))), { holder })[0]).toMatchObject({ kind: 'writeWorkspaceConditions' });
    expect(planned(without(deleted(of({}))))).toEqual([]);
  });
});

describe('the lock of a Sandbox that is gone', () => {
  test('is given up, if it is really gone and so is its pod', () => {
    expect(planned(of(heldBy(holder)))[0]).toMatchObject({
      kind: 'releaseWriter',
      epoch: 3,
      assuming: [{ kind: 'sandboxGone', name: 'demo', uid: 'uid-of-demo' }, { kind: 'noPodOf' }],
    });
  });

  test('is given up when another Sandbox has taken the name', () => {
    expect(planned(of(heldBy(holder)), { holder: aSandbox('demo').uid('another').build() })[0]).toMatchObject({
      kind: 'releaseWriter',
    });
  });

  test.each([
    ['the Sandbox is there', { holder }, undefined],
    ['its pod is there', { pod: aPodOf(holder) }, undefined],
    ['its home is on a node', {}, aSession('Open')],
    ['its home is being saved', {}, aSession('Saving', { reason: 'StorageUnreachable' as const })],
  ])('is kept while %s', (_what, seen, session) => {
    const workspace = of({ ...heldBy(holder), ...(session === undefined ? {} : { session }) });
    expect(planned(workspace, seen).map(({ kind }) => kind)).toEqual(['writeWorkspaceConditions']);
  });
});
