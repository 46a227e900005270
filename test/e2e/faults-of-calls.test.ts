import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { LABEL_MANAGED_BY } from '../../src/api/names.ts';
import { PODS, SANDBOXES } from '../../src/kube/resource-types.ts';
import { type Fault, type SeenRequest, status } from '../support/api-server-proxy/start-proxy.ts';
import { brokenPromises, type Life } from '../support/played/life.ts';
import { createOf, once } from '../support/played/matching.ts';
import { makePlayedCluster, type PlayedCluster } from '../support/played/played-cluster.ts';
import { AT_REST_MS, untilQuiet } from '../support/played/quiet.ts';
import { onStage } from '../support/played/stage.ts';
import { makeWarpedClock, passTime } from '../support/warped-clock.ts';

let cluster: PlayedCluster;
beforeAll(async () => {
  cluster = await makePlayedCluster();
});
afterAll(() => cluster.close());

const podRef = (life: Life, name: string) => ({ type: PODS, namespace: life.namespace, name });
const sandboxRef = (life: Life, name: string) => ({ type: SANDBOXES, namespace: life.namespace, name });

test('a crash right after the pod was made, before the status names it: the next process finds that pod, and makes no other [F2]', () =>
  onStage(cluster, {}, async ({ life, proxy, controller, restart }) => {
    await controller().started;
    let isDead = false;
    const dies = once(createOf('pods'), { kind: 'cut', applied: true, done: () => proxy.cutAll() });
    proxy.plan((request) => {
      if (isDead) return { kind: 'cut', applied: false };
      const fault = dies(request);
      isDead = fault !== undefined;
      return fault;
    });
    await life.create('demo');
    await life.until('the pod is there', () => life.pod('demo') !== undefined);
    const uid = life.pod('demo')?.metadata.uid;
    expect(life.sandbox('demo')?.status?.podUid).toBeUndefined();
    proxy.heal();
    await restart();
    await life.until('Ready', () => life.isReady('demo'));
    expect(life.pod('demo')?.metadata.uid).toBe(uid);
  }));

describe('every second write', () => {
  test.each<readonly [string, Fault]>([
    [
      'is refused with 429 and Retry-After',
      { kind: 'answer', code: 429, body: status(429, 'TooManyRequests'), headers: { 'retry-after': '1' } },
    ],
    ['is refused with 409', { kind: 'answer', code: 409, body: status(409, 'Conflict') }],
    ['is refused with 503', { kind: 'answer', code: 503, body: status(503, 'ServiceUnavailable') }],
    [
      'is answered with 504 though it was applied',
      { kind: 'answer', code: 504, body: status(504, 'Timeout'), applied: true },
    ],
  ])('%s: a whole life goes on to its end, with one pod a start [F9]', (_what, fault) =>
    onStage(cluster, { clock: makeWarpedClock({ rate: 10 }) }, async ({ life, proxy, controller }) => {
      await controller().started;
      let count = 0;
      proxy.plan(({ isWrite }) => (isWrite && (count += 1) % 2 === 1 ? fault : undefined));
      await life.create('demo');
      await life.until('Ready', () => life.isReady('demo'));
      await life.node.commit('demo');
      await life.want('demo', 'Suspended');
      await life.until('Suspended', () => life.reason('demo') === 'Suspended');
      await life.want('demo', 'Running');
      await life.until('Ready again', () => life.isReady('demo') && life.workspace('demo')?.status?.epoch === 2);
      await life.remove('demo');
      await life.until('gone', () => life.reason('demo') === 'Deleted' && life.pod('demo') === undefined);
      expect(count).toBeGreaterThan(20);
      expect(proxy.written.filter(createOf('pods'))).toHaveLength(2);
      expect(brokenPromises(life)).toEqual([]);
    }),
  );
});

test('Retry-After is waited for [F9]', () =>
  onStage(cluster, {}, async ({ life, proxy, controller }) => {
    await controller().started;
    const headers = { 'retry-after': '2' };
    proxy.plan(once(createOf('pods'), { kind: 'answer', code: 429, body: status(429, 'TooManyRequests'), headers }));
    await life.create('demo');
    await life.until('Ready', () => life.isReady('demo'));
    const [refused, taken] = proxy.seen.filter(createOf('pods')).map(({ at }) => at);
    expect((taken ?? 0) - (refused ?? 0)).toBeGreaterThanOrEqual(2000);
  }));

test('the API server is gone for a minute and a thousand Sandboxes change meanwhile: few ask while it is away, and no more than its workers ask when it is back [F10]', () => {
  const clock = makeWarpedClock();
  const workers = 8;
  return onStage(cluster, { clock, workers }, async ({ life, proxy, controller }) => {
    await controller().started;
    const names = Array.from({ length: 1000 }, (_, index) => `s-${index}`);
    const ephemeral = { desiredState: 'Stopped', workspace: { ephemeral: true } } as const;
    await Promise.all(names.map((name) => life.create(name, ephemeral)));
    const generation = (name: string): number | undefined => life.sandbox(name)?.status?.observedGeneration;
    await life.until('all rest', () => names.every((name) => generation(name) === 1));
    proxy.plan(() => ({ kind: 'cut', applied: false }));
    proxy.cutAll();
    const away = proxy.seen.length;
    await Promise.all(names.map((name) => life.change(name, { spec: { config: { changed: true } } })));
    await passTime(clock, 60_000, 1000);
    expect(proxy.seen.length - away).toBeGreaterThan(5);
    // Five kinds, each asked for again with a wait that doubles to half a minute.
    expect(proxy.seen.length - away).toBeLessThan(5 * 20);
    const back = proxy.seen.length;
    const mark = proxy.startCounting();
    proxy.heal();
    clock.jump(30_000);
    await life.until('all are seen to', () => names.every((name) => generation(name) === 2));
    const asked = proxy.seen.slice(back);
    expect(asked.filter(({ isWrite }) => isWrite)).toHaveLength(1000);
    expect(asked.filter(({ isWrite }) => !isWrite).length).toBeLessThan(5 * 20);
    expect(mark()).toBeLessThanOrEqual(workers + 5);
  });
}, 300_000);

describe('what strangers do to a sandbox’s pod', () => {
  test('one that has its name is not touched, and the sandbox says whose it is and starts when it is gone [F12]', () =>
    onStage(cluster, { clock: makeWarpedClock({ rate: 10 }) }, async ({ life, controller }) => {
      await controller().started;
      const spec = { containers: [{ name: 'main', image: 'example/other:1' }] };
      const metadata = { name: 'demo', labels: { app: 'other' } };
      const foreign = await life.client.create<Pod>(PODS, life.namespace, { metadata, spec });
      await life.create('demo');
      await life.until('it is said', () => life.reason('demo') === 'PodNameTaken');
      expect(life.pod('demo')?.metadata).toMatchObject({ uid: foreign.metadata.uid, labels: { app: 'other' } });
      expect(life.pod('demo')?.metadata.deletionTimestamp).toBeUndefined();
      await life.client.delete(podRef(life, 'demo'));
      await life.until('Ready', () => life.isReady('demo'));
    }));

  test('its labels are taken away: it is still this sandbox’s pod, known by its owner, and is ended with it [F12]', () =>
    onStage(cluster, {}, async ({ life, controller, proxy }) => {
      await controller().started;
      await life.create('demo');
      await life.until('Ready', () => life.isReady('demo'));
      const uid = life.pod('demo')?.metadata.uid;
      await life.client.mergePatch(podRef(life, 'demo'), { metadata: { labels: null } });
      const isBare = (): boolean => life.pod('demo')?.metadata.labels?.[LABEL_MANAGED_BY] === undefined;
      await life.until('they are gone', isBare);
      expect(life.pod('demo')?.metadata).toMatchObject({ uid });
      await life.want('demo', 'Stopped');
      await life.until(
        'Stopped, without a pod',
        () => life.reason('demo') === 'Stopped' && life.pod('demo') === undefined,
      );
      expect(proxy.written.filter(createOf('pods'))).toHaveLength(1);
      expect(brokenPromises(life)).toEqual([]);
    }));

  test('its owner reference is removed: it is nobody’s, is left alone, and the sandbox starts anew when it is gone [F12]', () =>
    onStage(cluster, { clock: makeWarpedClock({ rate: 10 }) }, async ({ life, controller }) => {
      await controller().started;
      await life.create('demo');
      await life.until('Ready', () => life.isReady('demo'));
      const uid = life.pod('demo')?.metadata.uid;
      await life.client.mergePatch(podRef(life, 'demo'), { metadata: { ownerReferences: null } });
      await life.until('the sandbox is not Ready', () => life.reason('demo') !== 'PodReady');
      expect(life.pod('demo')?.metadata).toMatchObject({ uid });
      await life.client.delete(podRef(life, 'demo'));
      await life.until('Ready with another pod', () => life.isReady('demo') && life.pod('demo')?.metadata.uid !== uid);
      expect(brokenPromises(life)).toEqual([]);
    }));
});

describe('a sandbox that is deleted', () => {
  test('while its pod is being made, and once more, goes, and leaves nothing [F14]', () =>
    onStage(cluster, {}, async ({ life, proxy, controller }) => {
      await controller().started;
      const deleted = Promise.withResolvers<void>();
      proxy.plan((request: SeenRequest) => {
        if (!createOf('pods')(request)) return undefined;
        life.remove('demo').then(deleted.resolve, deleted.reject);
        return undefined;
      });
      await life.create('demo');
      await deleted.promise;
      proxy.heal();
      // It may be gone by now.
      await life.remove('demo').catch(() => undefined);
      await life.until('gone', () => life.sandbox('demo') === undefined && life.pod('demo') === undefined);
      await life.until('released', () => life.workspace('demo')?.status?.writer === undefined);
      expect(brokenPromises(life)).toEqual([]);
    }));

  test('and whose finalizer is removed by hand is followed by its pod, and its workspace is saved and let go [F14]', () =>
    onStage(cluster, {}, async ({ life, controller }) => {
      await controller().started;
      await life.create('demo');
      await life.until('Ready', () => life.isReady('demo'));
      await life.node.commit('demo');
      life.node.hold('demo', 'end');
      await life.remove('demo');
      await life.client.mergePatch<Sandbox>(sandboxRef(life, 'demo'), { metadata: { finalizers: null } });
      await life.until('the Sandbox is gone', () => life.sandbox('demo') === undefined);
      expect(life.workspace('demo')?.status?.writer).toMatchObject({ sandbox: 'demo' });
      life.node.hold('demo', undefined);
      await life.until('the pod is gone', () => life.pod('demo') === undefined);
      await life.until('released', () => life.workspace('demo')?.status?.writer === undefined);
      await life.create('demo');
      await life.until('another is Ready', () => life.isReady('demo') && life.workspace('demo')?.status?.epoch === 2);
      expect(brokenPromises(life)).toEqual([]);
    }));

  test('and whose pod does not end stays and says so, writes nothing for an hour, holds up nobody, and goes when it can [F14]', () => {
    const clock = makeWarpedClock();
    return onStage(cluster, { clock }, async ({ life, proxy, controller }) => {
      await controller().started;
      await life.create('stuck');
      await life.until('Ready', () => life.isReady('stuck'));
      life.node.hold('stuck', 'end');
      await life.remove('stuck');
      await life.until(
        'it says that its pod is ending',
        () => life.reason('stuck') === 'Stopping' && life.pod('stuck')?.metadata.deletionTimestamp !== undefined,
      );
      await life.create('other');
      await life.until('another is Ready', () => life.isReady('other'));
      await life.want('other', 'Stopped');
      await life.until('and Stopped', () => life.reason('other') === 'Stopped');
      await untilQuiet([proxy], AT_REST_MS);
      const before = proxy.written.length;
      await passTime(clock, 3_600_000, 60_000);
      // What was woken by all that time has had its pass when one that comes after it has.
      await life.create('after', { desiredState: 'Stopped' });
      await life.until('a later one was seen to', () => life.sandbox('after')?.status?.observedGeneration === 1);
      const written = proxy.written.slice(before).filter(({ path }) => !path.includes('/after'));
      expect(written.map(({ path }) => path)).toEqual([]);
      expect(life.sandbox('stuck')).toBeDefined();
      life.node.hold('stuck', undefined);
      await life.until('gone', () => life.sandbox('stuck') === undefined);
      expect(brokenPromises(life)).toEqual([]);
    });
  });
});

describe('what the API server does not allow', () => {
  const NOBODY = { 'impersonate-user': 'played-nobody' };

  test('a controller that may not make pods says so in the Sandbox, in the server’s words, and goes on when it may [F20]', () => {
    let mayCreate = false;
    const headersOf = (request: SeenRequest) => (createOf('pods')(request) && !mayCreate ? NOBODY : {});
    return onStage(cluster, { headersOf, clock: makeWarpedClock({ rate: 10 }) }, async ({ life, controller }) => {
      await controller().started;
      await life.create('demo');
      await life.until('it is said', () => life.reason('demo') === 'PodRefused');
      const said = JSON.stringify(life.sandbox('demo')?.status?.conditions);
      expect(said).toContain('cannot create resource');
      mayCreate = true;
      await life.until('Ready', () => life.isReady('demo'));
    });
  });

  test('one that may not list pods is not ready, says what it lacks, and begins nothing [F20]', () => {
    const headersOf = ({ path }: SeenRequest) => (path.includes('/pods?') ? NOBODY : {});
    return onStage(cluster, { headersOf }, async ({ life, controller, proxy }) => {
      const check = () =>
        controller()
          .informers.find(({ resource }) => resource === 'pods')
          ?.check.check();
      await life.until('it says so', () => check()?.message.includes('cannot list resource') === true);
      expect(check()).toMatchObject({ ok: false, message: expect.stringContaining('"pods"') });
      expect(controller().log).toContainEqual(
        expect.objectContaining({ level: 'warn', message: expect.stringContaining('cannot list resource') }),
      );
      await life.create('demo');
      expect(proxy.written).toEqual([]);
    });
  });
});
