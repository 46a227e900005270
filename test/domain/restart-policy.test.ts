import { describe, expect, test } from '@jest/globals';
import { desiredPod } from '../../src/domain/desired-pod.ts';
import { findCondition } from '../../src/api/condition.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { sandboxState } from '../../src/facade/sandbox-status.ts';
import { aPodOf, aTemplate } from '../support/resources.ts';
import { makeModelCluster, type ModelCluster } from './model/cluster.ts';
import { reconcileSandbox, reconcileWorkspace } from './model/controller.ts';
import { demo, held, kinds, planned, running, said, sandbox, statusOf, terminating } from './planning.ts';

const never = demo.with({ restartPolicy: 'Never' });
const went = never.status({ run: { startedAt: '2026-01-01T11:00:00Z', podUid: 'uid-of-pod' } });

describe('a Sandbox with restartPolicy Never', () => {
  test('has a pod that is not started again', () => {
    expect(desiredPod(never.build(), aTemplate()).spec).toMatchObject({ restartPolicy: 'Never' });
    expect(desiredPod(demo.build(), aTemplate()).spec).toMatchObject({ restartPolicy: 'Always' });
  });

  test('remembers the pod that its run has', () => {
    expect(statusOf(planned(never, { workspace: held(['Open']), pod: running })).run?.podUid).toBe('uid-of-pod');
    expect(statusOf(planned(demo, { workspace: held(['Open']), pod: running })).run).not.toHaveProperty('podUid');
  });

  test.each([
    ['is gone', undefined],
    ['has failed', aPodOf(sandbox, { phase: 'Failed', reason: 'Evicted' }, 'node-1')],
    ['is ending', terminating(running)],
    ['is another', { ...running, metadata: { ...running.metadata, uid: 'another' } }],
  ])('ends when that pod %s', (_what, pod) => {
    const actions = planned(went, { workspace: held(['Open']), pod });
    expect(kinds(actions)).toEqual(['writeSandboxStatus', 'requeue']);
    expect(statusOf(actions).run?.ended).toEqual({ by: 'PodLost', at: '2026-01-01T12:00:00Z' });
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'Stopping' });
  });

  test('goes on with the pod that it has, and begins without one', () => {
    expect(said(planned(went, { workspace: held(['Open']), pod: running }), 'Ready')?.status).toBe('True');
    expect(kinds(planned(never, { workspace: held() }))).toContain('createPod');
  });
});

describe('its end', () => {
  const lifeOf = (cluster: ModelCluster): void => {
    for (let turn = 0; turn < 60; turn++) {
      reconcileSandbox(cluster.api, 'first');
      for (const name of cluster.api.newest().workspaces.keys()) reconcileWorkspace(cluster.api, name);
      cluster.node.step('first');
    }
  };
  const begun = (): ModelCluster => {
    const cluster = makeModelCluster();
    cluster.user.create('first');
    cluster.api.update('sandboxes', 'first', ({ spec, ...rest }) => ({
      ...rest,
      spec: { ...spec, restartPolicy: 'Never' },
    }));
    lifeOf(cluster);
    return cluster;
  };
  const first = ({ api }: ModelCluster): Sandbox => api.newest().sandboxes.get('first') as Sandbox;

  test('saves its home, lets its workspace go, is told as failed, and is taken back by a new run with a new pod', () => {
    const cluster = begun();
    expect(sandboxState(first(cluster))).toBe('ready');
    cluster.node.write('first');
    cluster.node.evict('first');
    lifeOf(cluster);
    expect(first(cluster).status).toMatchObject({
      stopReason: 'error',
      phase: 'Failed',
      run: { ended: { by: 'PodLost' } },
    });
    expect(sandboxState(first(cluster))).toBe('failed');
    const { conditions } = first(cluster).status ?? {};
    expect(findCondition(conditions, 'Ready')).toBeUndefined();
    expect(findCondition(conditions, 'Stopped')).toMatchObject({ status: 'True', reason: 'PodLost' });
    // To wait for it would be in vain, and a person can change it.
    expect(findCondition(conditions, 'Stalled')).toMatchObject({
      status: 'True',
      message: expect.stringContaining('spec.restartPolicy is Never'),
    });
    expect(cluster.api.newest().workspaces.get('ann')?.status).toMatchObject({ head: { sequence: 1 } });
    expect(cluster.api.newest().workspaces.get('ann')?.status).not.toHaveProperty('writer');
    cluster.user.newRun('first');
    lifeOf(cluster);
    expect(sandboxState(first(cluster))).toBe('ready');
    expect(first(cluster).status?.run).not.toHaveProperty('ended');
  });

  test('comes with its node as well', () => {
    const cluster = begun();
    cluster.node.silence('node-1');
    cluster.api.tick(60_000);
    lifeOf(cluster);
    expect(sandboxState(first(cluster))).toBe('failed');
    expect(cluster.api.newest().workspaces.get('ann')?.status).toMatchObject({
      conflicts: [{ epoch: 1, node: 'node-1' }],
    });
  });
});
