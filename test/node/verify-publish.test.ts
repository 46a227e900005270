import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeClient } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { makeRecentGrants, type RecentGrants } from '../../src/node/recent-grants.ts';
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
  let recent: RecentGrants;
  const system = () => ({ clock, namespace: 'sandboxes', node: NODE, recent });
  const verify = (token = 'token of pod-uid') =>
    verifyPublish({ ...system(), kube: cluster.client(makeEffects()) }, token, forever);

  beforeEach(() => {
    cluster = makeFakeCluster();
    clock = makeVirtualClock();
    recent = makeRecentGrants(clock);
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

  describe('whose token is a JWT, as the API server makes them,', () => {
    const jwtNaming = (name: string): string => {
      const claims = Buffer.from(JSON.stringify({ 'kubernetes.io': { pod: { name } } })).toString('base64url');
      return `header.${claims}.token of pod-uid`;
    };

    test('is granted after two round trips: what the token names is read while it is examined', async () => {
      const reads: string[] = [];
      const examined = Promise.withResolvers<void>();
      const { create, get } = cluster.client(makeEffects());
      const kube: Pick<KubeClient, 'create' | 'get'> = {
        create: async (...call) => {
          await examined.promise;
          return create(...call);
        },
        get: async (ref, ...call) => {
          reads.push(ref.type.kind);
          if (reads.length === 3) examined.resolve();
          return get(ref, ...call);
        },
      };
      const { verdict } = await verifyPublish({ ...system(), kube }, jwtNaming('demo'), forever);
      expect(verdict).toMatchObject({ kind: 'granted', value: { pod: 'demo', workspace: 'ann' } });
      expect(reads).toEqual(['Pod', 'Sandbox', 'Workspace']);
    });

    test('gets what the token is bound to, and not what it names', async () => {
      cluster.set('Sandbox', 'other', {
        ...recorded,
        metadata: { name: 'other', uid: 'other-uid' },
        spec: { userId: 'bob' },
      });
      expect((await verify(jwtNaming('other'))).verdict).toMatchObject({ kind: 'granted', value: { userId: 'ann' } });
      expect((await verify(jwtNaming('../secrets'))).verdict).toMatchObject({ kind: 'granted' });
    });

    test('is looked at again where what was read meanwhile was too early', async () => {
      cluster.set('Sandbox', 'demo', { ...recorded, status: { podName: 'demo', podUid: 'the one before' } });
      const { create, get } = cluster.client(makeEffects());
      const kube: Pick<KubeClient, 'create' | 'get'> = {
        get,
        create: async (...call) => {
          await Promise.resolve();
          cluster.set('Sandbox', 'demo', recorded);
          return create(...call);
        },
      };
      const deps = { ...system(), kube };
      expect((await verifyPublish(deps, jwtNaming('demo'), forever)).verdict.kind).toBe('granted');
    });
  });

  describe('of a pod that was looked at a moment ago', () => {
    const counting = () => {
      const reads: string[] = [];
      const { create, get } = cluster.client(makeEffects());
      const kube: Pick<KubeClient, 'create' | 'get'> = {
        create,
        get: (ref, ...call) => {
          reads.push(ref.type.kind);
          return get(ref, ...call);
        },
      };
      return { reads, kube };
    };
    const claims = { 'kubernetes.io': { pod: { name: 'demo', uid: 'pod-uid' } } };
    const token = `header.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.token of pod-uid`;
    beforeEach(async () => {
      const { verdict } = await verify();
      if (verdict.kind === 'granted') recent.remember(verdict.value);
    });

    test('needs its token alone', async () => {
      const { reads, kube } = counting();
      expect((await verifyPublish({ ...system(), kube }, token, forever)).verdict).toMatchObject({
        kind: 'granted',
        value: { podUid: 'pod-uid', workspace: 'ann', epoch: 1 },
      });
      expect(reads).toEqual([]);
    });

    test('is refused without it all the same', async () => {
      const { kube } = counting();
      expect((await verifyPublish({ ...system(), kube }, 'stolen', forever)).verdict).toMatchObject({
        kind: 'refused',
        reason: 'TokenRejected',
      });
    });

    test('is looked at again once that is three seconds ago', async () => {
      await clock.advance(3001);
      cluster.set('Sandbox', 'demo', undefined);
      const { kube } = counting();
      expect((await verifyPublish({ ...system(), kube }, token, forever)).verdict).toMatchObject({
        reason: 'SandboxNotFound',
      });
    });
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
