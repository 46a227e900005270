import { beforeEach, describe, expect, test } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { verifyPublish } from '../../src/node/verify-publish.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { makeEffects } from './support/effects.ts';
import { makeFakeCluster, NODE, type FakeCluster } from './support/fake-cluster.ts';

const forever = new AbortController().signal;
const unrecorded = { metadata: { name: 'demo', uid: 'sandbox-uid' }, spec: { userId: 'ann' } };
const recorded = { ...unrecorded, status: { podName: 'demo', podUid: 'pod-uid' } };

describe('a publish', () => {
  let cluster: FakeCluster;
  let clock: VirtualClock;
  const verify = (token = 'token of pod-uid') =>
    verifyPublish({ kube: cluster.client(makeEffects()), clock, namespace: 'sandboxes', node: NODE }, token, forever);

  beforeEach(() => {
    cluster = makeFakeCluster();
    clock = makeVirtualClock();
  });

  test('is granted the workspace of the user whose Sandbox recorded the pod', async () => {
    expect((await verify()).verdict).toEqual({
      kind: 'granted',
      value: {
        namespace: 'sandboxes',
        pod: 'demo',
        podUid: 'pod-uid',
        sandbox: 'demo',
        sandboxUid: 'sandbox-uid',
        userId: 'ann',
        workspace: 'ann',
        prefix: 'users/ann/',
        epoch: 1,
      },
    });
  });

  test('with a token that is not the pod’s is refused, and no pod is blamed for it', async () => {
    expect(await verify('stolen')).toMatchObject({ verdict: { reason: 'TokenRejected' }, identity: undefined });
  });

  test('waits for the Sandbox to record its pod', async () => {
    cluster.set('Sandbox', 'demo', unrecorded);
    const verification = verify();
    await clock.advance(1000);
    cluster.set('Sandbox', 'demo', recorded);
    await clock.advance(1000);
    expect((await verification).verdict.kind).toBe('granted');
  });

  test('stops waiting after ten seconds, so that kubelet can show why', async () => {
    cluster.set('Sandbox', 'demo', unrecorded);
    const verification = verify();
    await clock.advance(10_500);
    expect((await verification).verdict).toEqual({
      kind: 'notYet',
      message: 'Sandbox demo has not recorded its pod yet',
    });
  });

  test.each([
    ['Pod', 'demo', 'PodNotFound'],
    ['Sandbox', 'demo', 'SandboxNotFound'],
    ['Workspace', 'ann', 'NoWorkspace'],
  ])('whose %s is gone is refused', async (kind, name, reason) => {
    cluster.set(kind, name, undefined);
    expect((await verify()).verdict).toMatchObject({ kind: 'refused', reason });
  });

  test('is neither granted nor refused while the API server does not answer', async () => {
    cluster.fail(new KubeError('Unreachable', 'connection refused'));
    await expect(verify()).rejects.toThrow('connection refused');
  });
});
