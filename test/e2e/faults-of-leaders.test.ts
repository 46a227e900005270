import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemRandom as random } from '../../src/base/random.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { LEASES } from '../../src/kube/resource-types.ts';
import type { Lease } from '../../src/runtime/lease.ts';
import { makeLeaderElector } from '../../src/runtime/leader-elector.ts';
import type { ApiServerProxy, SeenRequest } from '../support/api-server-proxy/start-proxy.ts';
import { startProduct } from '../support/e2e-faults/product-process.ts';
import { writeKubeconfig } from '../support/kube-server/kubeconfig.ts';
import { type ControllerProcess, startControllerProcess } from '../support/played/controller-process.ts';
import { brokenPromises, type Life, makeLife } from '../support/played/life.ts';
import { createOf } from '../support/played/matching.ts';
import { makePlayedCluster, type PlayedCluster } from '../support/played/played-cluster.ts';
import { type PlayedNode, startPlayedNode } from '../support/played/played-node.ts';
import { AT_REST_MS, untilQuiet } from '../support/played/quiet.ts';
import { onStage } from '../support/played/stage.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { makeWarpedClock, passTime, type WarpedClock } from '../support/warped-clock.ts';

/** A lease of 15 s is one of 5 s. With one of 1.5 s a leader had a second to renew, and on a busy machine lost it for nothing. */
const RATE = 3;
const HOUR = 3_600_000;
const LEASE = 'played-controller';
/** A day: to a leader whose clock is two hours ahead of the one before, two hours of it have gone by. */
const LASTING = { lifetime: { ttlSeconds: 86_400, onExpire: 'Stop', retainSeconds: 86_400 } } as const;

let cluster: PlayedCluster;
beforeAll(async () => {
  cluster = await makePlayedCluster();
});
afterAll(() => cluster.close());

interface ReplicaOptions {
  /** How wrong its clock is. */
  readonly skewMs?: number;
  /** How fast it runs. */
  readonly rate?: number;
}

interface Replica {
  readonly proxy: ApiServerProxy;
  readonly clock: WarpedClock;
  readonly isLeader: () => boolean;
  /** Resolves with why, once leadership is lost: the process ends there. */
  readonly lost: Promise<string>;
  /** Resolves once it leads and its controllers work. */
  readonly working: Promise<void>;
  readonly close: () => Promise<void>;
}

/** As src/commands/run-controller.ts puts it together: renewals have a client of their own, and each write asks who leads. */
const startReplica = async (
  namespace: string,
  identity: string,
  { skewMs = 0, rate = RATE }: ReplicaOptions = {},
): Promise<Replica> => {
  const proxy = await cluster.openProxy();
  const clock = makeWarpedClock({ rate, skewMs });
  const client = makeKubeClient({ access: directAccess(proxy.url), callConnections: 1 });
  const lost = Promise.withResolvers<string>();
  const stopping = new AbortController();
  const running: ControllerProcess[] = [];
  const elector = makeLeaderElector({
    client,
    namespace,
    name: LEASE,
    identity,
    clock,
    random,
    log: makeRecordingLog(),
    onLost: lost.resolve,
  });
  const work = async (): Promise<void> => {
    await elector.acquire(stopping.signal);
    const { mayWrite } = elector;
    const controllers = startControllerProcess({ url: proxy.url, namespace, clock, mayWrite });
    running.push(controllers);
    await controllers.started;
  };
  const working = work();
  working.catch(() => undefined);
  return {
    proxy,
    clock,
    isLeader: elector.isLeader,
    lost: lost.promise,
    working,
    close: async () => {
      stopping.abort(new Error('the test is over'));
      await working.catch(() => undefined);
      for (const controllers of running) await controllers.kill();
      await elector.release();
      await client.close();
      await proxy.close();
    },
  };
};

interface Replicas {
  readonly life: Life;
  readonly node: PlayedNode;
  readonly start: (identity: string, options?: ReplicaOptions) => Promise<Replica>;
}

const withReplicas = async (act: (replicas: Replicas) => Promise<void>): Promise<void> => {
  const namespace = await cluster.makeNamespace();
  const node = await startPlayedNode({ client: cluster.client, namespace, node: cluster.node });
  const replicas: Replica[] = [];
  try {
    const life = makeLife(cluster.client, namespace, node);
    await act({
      life,
      node,
      start: async (identity, options) => {
        const replica = await startReplica(namespace, identity, options);
        replicas.push(replica);
        return replica;
      },
    });
    expect(brokenPromises(life)).toEqual([]);
  } finally {
    for (const replica of replicas) await replica.close();
    await node.stop();
  }
};

const isOfLease = ({ path }: SeenRequest): boolean => path.includes('/leases');
const writesOf = ({ proxy }: Replica): readonly SeenRequest[] => proxy.written.filter((request) => !isOfLease(request));

test.each([0, HOUR, -HOUR])(
  'a leader that cannot renew writes nothing once another leads, and what it had begun is gone on with; its clock is %s ms wrong [F15]',
  (skewMs) =>
    withReplicas(async ({ life, start }) => {
      const first = await start('first', { skewMs });
      await first.working;
      const second = await start('second', { skewMs: -skewMs });
      // Two leases' time: a clock that is wrong takes nothing from a leader that renews.
      const renewals = (): number => first.proxy.written.filter(isOfLease).length;
      await life.until('it has renewed for two leases’ time', () => renewals() >= 15);
      expect([first.isLeader(), second.isLeader()]).toEqual([true, false]);
      life.node.hold('demo', 'start');
      await life.create('demo', LASTING);
      await life.until('its pod is made', () => life.pod('demo') !== undefined);
      const together: number[] = [];
      first.proxy.plan((request) => {
        if (isOfLease(request)) return { kind: 'cut', applied: false };
        if (request.isWrite && second.isLeader()) together.push(request.at);
        return undefined;
      });
      life.node.hold('demo', undefined);
      expect(await first.lost).toContain('not renewed for 10 s');
      expect(first.isLeader()).toBe(false);
      await second.working;
      await life.create('later', LASTING);
      await life.until('both are Ready', () => life.isReady('demo') && life.isReady('later'));
      expect(together).toEqual([]);
      expect(writesOf(second).length).toBeGreaterThan(0);
    }),
);

test('a lease that is stolen while a write is under way: that one is the last, and the thief’s controllers go on [F15]', () =>
  withReplicas(async ({ life, start }) => {
    const first = await start('first');
    await first.working;
    const ref = { type: LEASES, namespace: life.namespace, name: LEASE };
    const stolen = Promise.withResolvers<void>();
    const steal = async (): Promise<void> => {
      const lease = await cluster.client.get<Lease>(ref);
      await cluster.client.replace<Lease>(ref, { ...lease, spec: { ...lease.spec, holderIdentity: 'thief' } });
    };
    first.proxy.plan((request) => {
      // A renewal that is under way makes the theft a conflict: it is tried again.
      if (createOf('pods')(request)) steal().catch(steal).then(stolen.resolve, stolen.reject);
      return undefined;
    });
    await life.create('demo');
    await stolen.promise;
    expect(await first.lost).toContain('thief');
    // What was on its way when it heard of the theft has arrived.
    await untilQuiet([first.proxy], AT_REST_MS);
    const before = writesOf(first).length;
    await life.want('demo', 'Suspended');
    // It waits for nobody's lease to expire, so its time need not be short.
    const thief = await start('thief', { rate: 1 });
    await thief.working;
    await life.until('the thief’s controllers act', () => life.reason('demo') === 'Suspended');
    expect(writesOf(first)).toHaveLength(before);
    expect(first.isLeader()).toBe(false);
  }));

test('a process that stood still for longer than it may go without a renewal writes nothing when it goes on [F23]', () =>
  withReplicas(async ({ life, start }) => {
    const first = await start('first');
    await first.working;
    const second = await start('second');
    life.node.hold('demo', 'start');
    await life.create('demo');
    await life.until('its pod is recorded', () => life.sandbox('demo')?.status?.podUid !== undefined);
    await life.until('nothing is under way', () => first.proxy.startCounting()() === 0);
    // Half a minute at a stroke: what a stall, a freeze or a machine that sleeps is to the process.
    first.clock.jump(30_000);
    const before = writesOf(first).length;
    expect(first.isLeader()).toBe(false);
    life.node.hold('demo', undefined);
    expect(await first.lost).toContain('the process was stalled');
    await second.working;
    await life.until('the other goes on', () => life.isReady('demo'));
    expect(writesOf(first)).toHaveLength(before);
  }));

test('ten minutes in which nothing happens: no write, no list, and neither heap nor connections grow [F22]', () => {
  const clock = makeWarpedClock();
  return onStage(cluster, { clock, clientClock: clock, deadlineMs: HOUR }, async ({ life, proxy, controller }) => {
    await controller().started;
    const names = Array.from({ length: 40 }, (_, index) => `s-${index}`);
    await Promise.all(names.map((name) => life.create(name)));
    await life.until('all are Ready', () => names.every((name) => life.isReady(name)));
    const watches = proxy.seen.filter(({ isWatch }) => isWatch).length;
    await passTime(clock, 60_000, 10_000);
    await untilQuiet([proxy], AT_REST_MS);
    const written = proxy.written.length;
    const lists = proxy.seen.filter(({ isWatch, isWrite }) => !isWatch && !isWrite).length;
    const connections = proxy.connections();
    const heap = collected();
    await passTime(clock, 600_000, 10_000);
    // Time did go by: watches that bring nothing are renewed every five minutes.
    await life.until(
      'each kind is watched anew',
      () => proxy.seen.filter(({ isWatch }) => isWatch).length >= watches + 5,
    );
    await life.until('each kind is watched', () => proxy.watches().length === 5);
    await untilQuiet([proxy], AT_REST_MS);
    expect(proxy.written.slice(written)).toEqual([]);
    expect(proxy.seen.filter(({ isWatch, isWrite }) => !isWatch && !isWrite)).toHaveLength(lists);
    expect(proxy.connections()).toBeLessThanOrEqual(connections);
    expect(collected() - heap).toBeLessThan(4 * 1024 * 1024);
  });
});

/** Bytes of the heap that something refers to. */
const collected = (): number => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
};

test('SIGTERM in the midst of fifty starts: every write is heard out, the lease is free, and the next process ends what was begun [F24]', async () => {
  const namespace = await cluster.makeNamespace();
  const node = await startPlayedNode({ client: cluster.client, namespace, node: cluster.node });
  const life = makeLife(cluster.client, namespace, node);
  const proxy = await cluster.openProxy();
  const kubeconfig = await writeKubeconfig(proxy.url);
  const over = new AbortController();
  const product = await startProduct(
    'controller',
    { KUBECONFIG: kubeconfig.path, MATRX_NAMESPACE: namespace, MATRX_SYSTEM_NAMESPACE: namespace, POD_NAME: 'played' },
    over.signal,
  );
  const lease = () => cluster.client.get<Lease>({ type: LEASES, namespace, name: 'matrx-controller' });
  let next: ControllerProcess | undefined;
  try {
    await life.until('it leads', () => proxy.written.some(isOfLease));
    const names = Array.from({ length: 50 }, (_, index) => `s-${index}`);
    await Promise.all(names.map((name) => life.create(name)));
    await life.until('some have begun', () => node.pods.size() >= 10);
    await product.stop();
    expect(product.exitCode()).toBe(0);
    expect((await lease()).spec?.holderIdentity ?? '').toBe('');
    expect(proxy.unheard()).toEqual([]);
    const left = names.filter((name) => !life.isReady(name));
    expect(left.length).toBeGreaterThan(0);
    next = startControllerProcess({ url: proxy.url, namespace, workers: 8 });
    await life.until('all are Ready', () => names.every((name) => life.isReady(name)));
    expect(brokenPromises(life)).toEqual([]);
    expect(proxy.written.filter(createOf('pods'))).toHaveLength(50);
  } finally {
    over.abort();
    await product.stop();
    await next?.kill();
    await node.stop();
    await kubeconfig.remove();
    await proxy.close();
  }
});
