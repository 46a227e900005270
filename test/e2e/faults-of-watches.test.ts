import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { status } from '../support/api-server-proxy/start-proxy.ts';
import { SANDBOXES } from '../../src/kube/resource-types.ts';
import type { KubeObject } from '../../src/kube/client.ts';
import { brokenPromises } from '../support/played/life.ts';
import { listOf, once, watchOf } from '../support/played/matching.ts';
import { makePlayedCluster, type PlayedCluster } from '../support/played/played-cluster.ts';
import { onStage } from '../support/played/stage.ts';
import { scrambled } from '../support/played/scrambled.ts';
import { makeWarpedClock } from '../support/warped-clock.ts';

let cluster: PlayedCluster;
beforeAll(async () => {
  cluster = await makePlayedCluster();
});
afterAll(() => cluster.close());

/** A year: longer than the time that these tests let go by. */
const LONGEST_TTL_SECONDS = 31_536_000;

test('a controller whose first lists are old undoes nothing that has happened since, and starts nothing twice [F3]', () =>
  onStage(cluster, {}, async ({ life, proxy, controller, restart }) => {
    await controller().started;
    life.node.hold('old', 'start');
    await life.create('old');
    await life.until('old holds the workspace', () => life.workspace('old')?.status?.writer !== undefined);
    const bodies = new Map<string, string>();
    for (const plural of ['sandboxes', 'workspaces', 'pods']) {
      const asked = proxy.seen.find(listOf(plural))?.path ?? '';
      bodies.set(plural, await (await fetch(proxy.url + asked)).text());
    }
    const empty = JSON.stringify({ ...(JSON.parse(bodies.get('pods') ?? '') as object), items: [] });
    bodies.set('pods', empty);
    await life.want('old', 'Stopped');
    life.node.hold('old', undefined);
    await life.until('old is Stopped', () => life.reason('old') === 'Stopped' && life.pod('old') === undefined);
    await life.create('new', { userId: 'old' });
    await life.until('new is Ready', () => life.isReady('new'));
    await life.node.commit('new');
    const uid = life.pod('new')?.metadata.uid;

    const held: (() => void)[] = [];
    let isHeld = true;
    proxy.plan((request) => {
      const plural = [...bodies.keys()].find((one) => listOf(one)(request) || watchOf(one)(request));
      if (plural === undefined) return undefined;
      if (!request.isWatch) return { kind: 'answer', code: 200, body: bodies.get(plural) ?? '' };
      return {
        kind: 'lines',
        onLine: (line, stream) => (isHeld ? held.push(() => stream.send(line)) : stream.send(line)),
      };
    });
    const before = proxy.seen.length;
    await restart();
    const isPodAsked = (): boolean =>
      proxy.seen.slice(before).some(({ method, path }) => method === 'POST' && path.includes('/pods'));
    await life.until('it acts on what it takes for the state', isPodAsked);
    isHeld = false;
    for (const send of held) send();
    await life.until(
      'what should not be is gone',
      () => life.pod('old') === undefined && life.reason('old') === 'Stopped',
    );
    expect(life.pod('new')?.metadata.uid).toBe(uid);
    expect(life.isReady('new')).toBe(true);
    expect(brokenPromises(life)).toEqual([]);
  }));

test('a list that is older than what was seen is not believed: it is asked for again [F3]', () =>
  onStage(cluster, {}, async ({ life, proxy, controller }) => {
    await controller().started;
    const asked = proxy.seen.find(listOf('sandboxes'))?.path ?? '';
    const old = await (await fetch(proxy.url + asked)).text();
    await life.create('demo');
    await life.until('Ready', () => life.isReady('demo'));
    const expire = once(watchOf('sandboxes'), { kind: 'answer', code: 410, body: status(410, 'Expired') });
    const replay = once(listOf('sandboxes'), { kind: 'answer', code: 200, body: old });
    const before = proxy.seen.length;
    proxy.plan((request) => expire(request) ?? replay(request));
    for (const stream of proxy.watches().filter(({ path }) => path.includes('/sandboxes?'))) stream.cut();
    const lists = (): number => proxy.seen.slice(before).filter(listOf('sandboxes')).length;
    await life.until('it has asked again', () => lists() >= 2);
    expect(controller().caches.sandboxes.store.get(`${life.namespace}/demo`)).toBeDefined();
    await life.want('demo', 'Stopped');
    await life.until('Stopped', () => life.reason('demo') === 'Stopped');
  }));

test.each([1, 2, 3])(
  'events that are late, doubled, out of order and lost: seed %s ends where it must [F4]',
  (seed) => {
    const clock = makeWarpedClock({ rate: 10 });
    return onStage(cluster, { clock }, async ({ life, proxy, controller }) => {
      await controller().started;
      const { plan, lost, flush } = scrambled(seed);
      proxy.plan(plan);
      // Those that are open end, so that all of them go through the plan.
      for (const stream of proxy.watches()) stream.end();
      const lasting = {
        lifetime: { ttlSeconds: LONGEST_TTL_SECONDS, onExpire: 'Stop', retainSeconds: 86_400 },
      } as const;
      for (const name of ['a', 'b', 'c']) await life.create(name, lasting);
      await life.want('b', 'Suspended');
      await life.create('b-next', { ...lasting, userId: 'b' });
      await life.remove('c');
      const isOver = (): boolean =>
        life.isReady('a') &&
        life.isReady('b-next') &&
        life.reason('b') === 'Suspended' &&
        life.reason('c') === 'Deleted';
      // Now and then half an hour goes by: when a watch ends after that, a list finds what no event has brought.
      let polls = 0;
      await life.until('all is as it was asked for', () => {
        polls += 1;
        flush();
        if (polls % 30 === 0) {
          clock.jump(31 * 60_000);
          for (const stream of proxy.watches()) stream.end();
        }
        return isOver();
      });
      expect(brokenPromises(life)).toEqual([]);
      expect(lost()).toBeGreaterThan(0);
      expect(life.pod('c')).toBeUndefined();
    });
  },
);

test('a watch that was accepted and is silent for ever is given up, and nothing that it kept back is lost [F5]', () => {
  const clientClock = makeWarpedClock();
  return onStage(cluster, { clientClock, deadlineMs: 3_600_000 }, async ({ life, proxy, controller }) => {
    await controller().started;
    await life.until('all is watched', () => proxy.watches().length === 5);
    // One is connected and swallows each line, with its bookmarks; the next does not even get an answer.
    const swallow = once(watchOf('sandboxes'), { kind: 'lines', onLine: () => undefined });
    const silent = once(watchOf('sandboxes'), { kind: 'silent' });
    proxy.plan((request) => swallow(request) ?? silent(request));
    const isWatched = (count: number): boolean => proxy.seen.filter(watchOf('sandboxes')).length >= count;
    for (const stream of proxy.watches().filter(({ path }) => path.includes('/sandboxes?'))) stream.cut();
    await life.until('it watches again', () => isWatched(2));
    await life.create('demo');
    await life.until('the played node has seen it', () => life.sandbox('demo') !== undefined);
    clientClock.jump(60_000);
    expect(isWatched(3)).toBe(false);
    clientClock.jump(300_000);
    await life.until('it has given that one up', () => isWatched(3));
    clientClock.jump(3_700_000);
    await life.until('Ready', () => life.isReady('demo'));
    expect(
      controller().metrics.counted('informer_watch_failures_total', {
        resource: 'sandboxes.matrx.dev',
        reason: 'Timeout',
      }),
    ).toBe(2);
    expect(proxy.seen.filter(listOf('sandboxes'))).toHaveLength(1);
  });
});

test('a watch that is cut in the middle of a line, and of a character, is gone on with where it was [F6]', () =>
  onStage(cluster, {}, async ({ life, proxy, controller }) => {
    await controller().started;
    const says = 'größer — 🌊🌊';
    let cuts = 0;
    proxy.plan((request) =>
      watchOf('sandboxes')(request)
        ? {
            kind: 'lines',
            onLine: (line, stream) => {
              const at = Buffer.from(line).indexOf('🌊');
              if (at === -1 || cuts >= 2) {
                stream.send(line);
                return;
              }
              cuts += 1;
              // Two of the character's four bytes; then, in the next watch, a line whose end alone is missing.
              stream.sendPart(Buffer.from(line).subarray(0, cuts === 1 ? at + 2 : Buffer.byteLength(line) - 1));
              setImmediate(stream.cut);
            },
          }
        : undefined,
    );
    for (const stream of proxy.watches().filter(({ path }) => path.includes('/sandboxes?'))) stream.end();
    await life.create('demo', { config: { says } });
    await life.until('Ready', () => life.isReady('demo'));
    expect(cuts).toBe(2);
    expect(controller().caches.sandboxes.store.get(`${life.namespace}/demo`)?.spec.config).toEqual({ says });
    expect(proxy.seen.filter(listOf('sandboxes'))).toHaveLength(1);
  }));

test('410 on a watch means a new list, whose absences are deletions; 410 on a page of a list means the whole in one piece [F7]', () =>
  onStage(cluster, {}, async ({ life, proxy, controller }) => {
    await controller().started;
    for (const name of ['a', 'b', 'c']) await life.create(name, { workspace: { ephemeral: true } });
    await life.until('all are Ready', () => ['a', 'b', 'c'].every((name) => life.isReady(name)));
    const gone = { kind: 'answer', code: 410, body: status(410, 'Expired') } as const;
    const expire = once(watchOf('sandboxes'), gone);
    const page = once((request) => listOf('sandboxes')(request) && request.path.includes('continue='), gone);
    let isHeld = true;
    proxy.plan((request) => {
      if (isHeld && watchOf('sandboxes')(request)) return { kind: 'cut', applied: false };
      const fault = expire(request) ?? page(request);
      // Pages of one: the server's own continue tokens.
      if (fault === undefined && listOf('sandboxes')(request))
        return { kind: 'as', path: request.path.replace('limit=500', 'limit=1') };
      return fault;
    });
    const before = proxy.seen.length;
    for (const stream of proxy.watches().filter(({ path }) => path.includes('/sandboxes?'))) stream.cut();
    // Gone while nobody watched: only the list can tell.
    await life.client.mergePatch(
      { type: SANDBOXES, namespace: life.namespace, name: 'b' },
      { metadata: { finalizers: null } },
    );
    await life.remove('b');
    await life.until('b is gone', () => life.sandbox('b') === undefined);
    isHeld = false;
    const { store } = controller().caches.sandboxes;
    await life.until('the cache has heard of it', () => store.get(`${life.namespace}/b`) === undefined);
    const lists = proxy.seen
      .slice(before)
      .filter(listOf('sandboxes'))
      .map(({ path }) => path);
    expect(lists).toEqual([
      expect.stringContaining('limit=500'),
      expect.stringContaining('continue='),
      expect.not.stringContaining('limit='),
    ]);
    expect(
      store
        .list()
        .map(({ metadata }) => metadata.name)
        .toSorted(),
    ).toEqual(['a', 'c']);
    await life.want('a', 'Stopped');
    await life.until('Stopped', () => life.reason('a') === 'Stopped');
  }));

test('an ERROR event of 500 in a watch is waited out, and gone on from where it was, without a list [F8]', () =>
  onStage(cluster, {}, async ({ life, proxy, controller }) => {
    await controller().started;
    await life.until('all is watched', () => proxy.watches().length === 5);
    const error = JSON.stringify({ type: 'ERROR', object: status(500, 'InternalError', 'etcdserver: no leader') });
    for (const stream of proxy.watches()) {
      stream.send(error);
      stream.end();
    }
    await life.create('demo');
    await life.until('Ready', () => life.isReady('demo'));
    const lists = (plural: string): number => proxy.seen.filter(listOf(plural)).length;
    expect([lists('sandboxes'), lists('workspaces'), lists('pods')]).toEqual([1, 1, 1]);
    expect(controller().metrics.counted('informer_watch_failures_total', { reason: 'ServerError' })).toBe(5);
  }));

test('a sandbox made anew under its name while nobody watched is another: it gets a pod of its own, and the old one is not touched [F11]', () =>
  onStage(cluster, {}, async ({ life, proxy, controller }) => {
    await controller().started;
    await life.create('demo');
    await life.until('Ready', () => life.isReady('demo'));
    const [first, firstPod] = [life.sandbox('demo'), life.pod('demo')];
    life.node.hold('demo', 'end');
    proxy.plan(() => ({ kind: 'cut', applied: false }));
    proxy.cutAll();
    const ref = { type: SANDBOXES, namespace: life.namespace, name: 'demo' };
    await life.remove('demo');
    await life.client.mergePatch<KubeObject>(ref, { metadata: { finalizers: null } });
    await life.until('gone', () => life.sandbox('demo') === undefined);
    await life.create('demo');
    proxy.heal();
    await life.until('the name is said to be taken', () => life.reason('demo') === 'PodNameTaken');
    expect(life.pod('demo')?.metadata.uid).toBe(firstPod?.metadata.uid);
    // The collector has deleted what has lost its owner; its node lets it go.
    life.node.hold('demo', undefined);
    await life.until('Ready', () => life.isReady('demo'));
    expect(life.sandbox('demo')?.metadata.uid).not.toBe(first?.metadata.uid);
    expect(life.pod('demo')?.metadata.ownerReferences?.[0]?.uid).toBe(life.sandbox('demo')?.metadata.uid);
    expect(brokenPromises(life)).toEqual([]);
  }));
