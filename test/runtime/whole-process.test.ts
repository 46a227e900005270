import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeClient, KubeObject } from '../../src/kube/client.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { PODS } from '../../src/kube/resource-types.ts';
import { type Controller, makeController } from '../../src/runtime/controller.ts';
import { enqueueOnChange } from '../../src/runtime/enqueue-on-change.ts';
import { type Informer, makeInformer } from '../../src/runtime/informer.ts';
import { makeLeaderElector } from '../../src/runtime/leader-elector.ts';
import { makeManager } from '../../src/runtime/manager.ts';
import { objectKey } from '../../src/runtime/object-key.ts';
import { controllersPart, informersPart, leaderPart } from '../../src/runtime/parts.ts';
import { type Inbox, makeInbox } from '../support/inbox.ts';
import type { WatchStream } from '../support/kube-server/exchange.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { type LeaseServer, makeLeaseServer } from '../support/lease-server.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

interface Pass {
  readonly key: string;
  readonly end: () => void;
}

let server: KubeServer;
let leases: LeaseServer;
let clock: VirtualClock;
let client: KubeClient;
let informer: Informer<KubeObject>;
let controller: Controller;
let passes: Inbox<Pass>;
let signal: (name: string) => void;
let exit: Promise<number>;

beforeEach(async () => {
  server = await startKubeServer();
  leases = makeLeaseServer();
  clock = makeVirtualClock();
  passes = makeInbox('pass');
  client = makeKubeClient({ access: directAccess(server.url), clock });
  const tools = { clock, random: makeSeededRandom(5), log: makeRecordingLog() };
  informer = makeInformer({ client, type: PODS, ...tools });
  controller = makeController({
    name: 'pod',
    workers: 2,
    reconcile: (key) =>
      new Promise((resolve) => {
        passes.push({ key, end: () => resolve({ kind: 'done' }) });
      }),
    ...tools,
  });
  enqueueOnChange(informer, controller, { keysOf: (object) => [objectKey(object)] });
  const elector = makeLeaderElector({
    client: leases.connect().client,
    namespace: 'system',
    name: 'controller',
    identity: 'me',
    onLost: () => undefined,
    ...tools,
  });
  exit = makeManager({
    parts: [informersPart([informer]), leaderPart(elector), controllersPart([controller])],
    signals: (listener) => {
      signal = listener;
      return () => undefined;
    },
    clock,
    log: tools.log,
  }).run();
});

afterEach(async () => {
  await client.close();
  await server.close();
  expect(clock.sleepers()).toBe(0);
});

const pod = (name: string, version: number): KubeObject => ({
  metadata: { name, namespace: 'n', uid: name, resourceVersion: String(version) },
});

const begin = async (): Promise<WatchStream> => {
  (await server.take('GET')).list([pod('a', 1)], '5');
  return (await server.take('GET')).stream();
};

describe('a whole process', () => {
  it('works on nothing before its cache is complete and it leads', async () => {
    const list = await server.take('GET');
    expect(leases.lease()).toBeUndefined();
    list.list([pod('a', 1)], '5');
    const pass = await passes.next();
    expect([pass.key, leases.lease()?.spec?.holderIdentity]).toEqual(['n/a', 'me']);
    pass.end();
    signal('SIGTERM');
    expect(await exit).toBe(0);
  });

  it('SIGTERM under load: passes under way end, no new one starts, the lease is free, nothing is left open [F24]', async () => {
    const stream = await begin();
    for (const name of ['b', 'c', 'd', 'e']) stream.event('ADDED', pod(name, 6));
    const running = [await passes.next(), await passes.next()];
    signal('SIGTERM');
    await clock.advance(1000);
    expect(leases.lease()?.spec?.holderIdentity).toBe('me');
    for (const pass of running) pass.end();
    expect(await exit).toBe(0);
    expect(passes.unread()).toEqual([]);
    expect(leases.lease()?.spec?.holderIdentity).toBe('');
    await stream.closed;
  });

  it('SIGTERM while it waits for its first list: it ends without having touched anything', async () => {
    const list = await server.take('GET');
    signal('SIGTERM');
    expect(await exit).toBe(0);
    await list.closed;
    expect(leases.lease()).toBeUndefined();
  });
});
