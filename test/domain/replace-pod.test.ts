import { describe, expect, test } from '@jest/globals';
import { aPodOf, aWorkspace } from '../support/resources.ts';
import { demo, sandbox, planned, kinds, statusOf, said, held, running, terminating } from './planning.ts';

describe('what cannot go on is replaced', () => {
  test('a failed pod is deleted, and the next one is made after a delay that grows', () => {
    const evicted = aPodOf(sandbox, { phase: 'Failed', reason: 'Evicted', message: 'low on disk' }, 'node-1');
    const actions = planned(demo, { workspace: held(['Open']), pod: evicted });
    expect(kinds(actions)).toEqual(['deletePod', 'writeSandboxStatus', 'requeue']);
    expect(said(actions, 'Ready')).toMatchObject({
      reason: 'PodFailed',
      message: expect.stringContaining('Evicted: low on disk') as unknown,
    });
    expect(statusOf(actions).podFailures).toMatchObject({ count: 1, podUid: 'uid-of-pod' });

    const again = demo.status({
      ...statusOf(actions),
      podFailures: { count: 3, podUid: 'x', lastTime: '2026-01-01T11:59:55Z' },
    });
    const delayed = planned(again, { workspace: aWorkspace('ann', { epoch: 3 }) });
    expect(delayed).toContainEqual({ kind: 'requeue', afterMs: 15_000 });
    expect(kinds(delayed)).not.toContain('createPod');
  });

  test('a pod whose epoch is over is deleted, if that is still so', () => {
    const [first] = planned(demo, { workspace: held(['Conflict']), pod: running });
    expect(first).toMatchObject({
      kind: 'deletePod',
      uid: 'uid-of-pod',
      assuming: [{ kind: 'workspaceUnchanged', workspace: { resourceVersion: '7' } }],
    });
  });

  test('an epoch that is over is given up before the next pod', () => {
    expect(kinds(planned(demo, { workspace: held(['Closed']) }))).toEqual([
      'writeSandboxStatus',
      'releaseWriter',
      'requeue',
    ]);
  });

  test('a pod that ends is not Ready from that moment on, and never deleted twice', () => {
    const actions = planned(demo, { workspace: held(['Open']), pod: terminating(running) });
    expect(kinds(actions)).toEqual(['writeSandboxStatus']);
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'PodTerminating' });
  });

  test('no pod is made while the home of the one before is on its node', () => {
    for (const state of ['Restoring', 'Open', 'Saving'] as const) {
      expect(kinds(planned(demo, { workspace: held([state]) }))).toEqual(['writeSandboxStatus']);
    }
  });
});
