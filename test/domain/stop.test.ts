import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { plan } from '../../src/domain/plan.ts';
import { aSandbox, aSession, aWorkspace, heldBy } from '../support/resources.ts';
import { NOW, demo, head, planned, kinds, statusOf, said, events, held, running, terminating } from './planning.ts';

describe('a stop gives the workspace up last', () => {
  const stopped = demo.wanted('Stopped');

  test('the pod is deleted, if stopping is still what is wanted', () => {
    const actions = planned(stopped, { workspace: held(['Open']), pod: running });
    expect(actions[0]).toMatchObject({
      kind: 'deletePod',
      uid: 'uid-of-pod',
      assuming: [{ kind: 'sandboxSpecUnchanged', generation: 1 }],
    });
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'Stopping' });
  });

  test('a deletion cannot be taken back, so nothing is asked', () => {
    expect(planned(demo.deleted(), { workspace: held(['Open']), pod: running })[0]).toMatchObject({
      kind: 'deletePod',
      assuming: [],
    });
  });

  test.each([
    ['2', 2],
    ['0', 1],
    ['-1', undefined],
    ['soon', undefined],
  ])('the processes get as long as is said: %s', (said_, graceSeconds) => {
    const built = stopped.build();
    const annotated = {
      ...built,
      metadata: { ...built.metadata, annotations: { 'matrx.dev/stop-grace-seconds': said_ } },
    };
    const [first] = plan({
      now: NOW,
      sandbox: annotated,
      template: undefined,
      workspace: held(['Open']),
      pod: running,
    });
    expect(first?.kind === 'deletePod' ? first.graceSeconds : 'no deletion').toBe(graceSeconds);
  });

  test('while the home is being saved, nothing is given up', () => {
    for (const state of ['Restoring', 'Open', 'Saving'] as const) {
      expect(kinds(planned(demo.deleted(), { workspace: held([state]) }))).toEqual(['writeSandboxStatus']);
    }
  });

  test('an unreachable bucket is told, and the sandbox stays', () => {
    const workspace = held(['Saving', { reason: 'StorageUnreachable', message: 'connection refused', dirty: true }]);
    const actions = planned(stopped, { workspace });
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'StorageUnreachable' });
    expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status: 'False', reason: 'StorageUnreachable' });
  });

  test('once it is saved that is written down first, and then the lock is given up', () => {
    const actions = planned(stopped, { workspace: held(['Closed'], { head }) });
    expect(kinds(actions)).toEqual(['writeSandboxStatus', 'releaseWriter', 'requeue']);
    expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status: 'True', reason: 'Saved' });
    expect(statusOf(actions).workspace).toEqual({ name: 'ann', epoch: 3, sequence: 41, savedAt: head.committedAt });
  });

  test('a workspace that no node has opened is given up at once', () => {
    expect(kinds(planned(stopped, { workspace: held() }))).toContain('releaseWriter');
    expect(kinds(planned(stopped, { workspace: held(['Open', { epoch: 2 }]) }))).toContain('releaseWriter');
  });

  test('then a stopped sandbox rests, and says so', () => {
    const actions = planned(stopped, { workspace: aWorkspace('ann', { epoch: 3 }) });
    expect(said(actions, 'Ready')).toBeUndefined();
    expect(said(actions, 'Stopped')).toMatchObject({ status: 'True', reason: 'Stopped' });
    expect(statusOf(actions)).toMatchObject({
      phase: 'Stopped',
      stopReason: 'user_requested',
      stoppedAt: '2026-01-01T12:00:00Z',
    });
    const again = planned(stopped.status(statusOf(actions)), { workspace: aWorkspace('ann', { epoch: 3 }) });
    // Nothing but to look at the clock: its record is not kept for ever.
    expect(kinds(again)).toEqual(['requeue']);
  });

  test('a suspended one says Suspended', () => {
    expect(said(planned(demo.wanted('Suspended')), 'Stopped')?.reason).toBe('Suspended');
  });

  test('and a deleted one loses its finalizer, if nothing of it is left', () => {
    const actions = planned(demo.deleted(), { workspace: aWorkspace('ann') });
    expect(actions[0]).toMatchObject({
      kind: 'removeSandboxFinalizer',
      finalizers: [],
      assuming: [{ kind: 'noPodOf' }, { kind: 'workspaceUnchanged' }],
    });
    expect(planned(aSandbox('demo').deleted())).toEqual([]);
  });

  test('what the sandbox had saved is still told when another one uses the workspace', () => {
    const saved = statusOf(planned(stopped, { workspace: held(['Closed'], { head }) }));
    const next = aSandbox('next').build();
    const workspace = aWorkspace('ann', { ...heldBy(next, 4), session: aSession('Open', { epoch: 4, dirty: true }) });
    const actions = planned(stopped.status(saved), { workspace });
    expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status: 'True', reason: 'Saved' });
    expect(statusOf(actions).workspace).toEqual(saved.workspace);
  });
});

describe('the events of a stop', () => {
  test('tell each turn once', () => {
    const stopping = demo.wanted('Stopped');
    let status = statusOf(planned(demo, { workspace: held(['Open'], { head }), pod: running }));
    const told = (workspace: Workspace, pod: Pod | undefined): readonly string[] => {
      const actions = planned(stopping.status(status), { workspace, pod });
      status = statusOf(actions);
      return events(actions);
    };
    const ending = terminating(running);
    expect(told(held(['Open'], { head }), running)).toEqual(['Stopping']);
    expect(told(held(['Open'], { head }), ending)).toEqual([]);
    expect(told(held(['Saving'], { head }), ending)).toEqual(['Saving']);
    expect(told(held(['Closed'], { head }), ending)).toEqual(['Saved']);
    expect(told(held(['Closed'], { head }), undefined)).toEqual(['WriterReleased']);
    expect(told(aWorkspace('ann', { epoch: 3 }), undefined)).toEqual(['Stopped']);
  });
});
