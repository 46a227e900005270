import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { systemRandom } from '../../../src/base/random.ts';
import { makeSandboxCache } from '../../../src/facade/sandbox-cache.ts';
import { type WebhooksSecret, watchEndpoints } from '../../../src/facade/webhooks/endpoint-watch.ts';
import { webhooksPart } from '../../../src/facade/webhooks/webhooks-part.ts';
import type { KubeClient, ResourceType } from '../../../src/kube/client.ts';
import type { ChangeHandler } from '../../../src/runtime/change.ts';
import type { Part } from '../../../src/runtime/manager.ts';
import { makeStore } from '../../../src/runtime/store.ts';
import { eventually } from '../../support/eventually.ts';
import { type LeaseClient, type LeaseServer, makeLeaseServer } from '../../support/lease-server.ts';
import { aSandbox, NAMESPACE } from '../../support/resources.ts';
import { makeVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { type FakeCluster, makeFakeCluster } from '../support/fake-cluster.ts';
import { type Receiver, startReceiver } from './support/receiver.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

let cluster: FakeCluster;
let clock: VirtualClock;
let receiver: Receiver;
let leases: LeaseServer;
let version: number;
const secrets = makeSecrets();
const parts = new Map<Part, LeaseClient>();

/** What an informer of the Secret would hold and tell, for all facades. */
function makeSecrets() {
  const handlers = new Set<ChangeHandler<WebhooksSecret>>();
  let store = makeStore<WebhooksSecret>();
  return {
    informer: () => ({ store, onChange: (handler: ChangeHandler<WebhooksSecret>) => void handlers.add(handler) }),
    reset: () => {
      handlers.clear();
      store = makeStore<WebhooksSecret>();
    },
    put: (secret: WebhooksSecret) => {
      for (const change of store.put(secret)) for (const handler of handlers) handler(change, 'watch');
    },
  };
}

beforeEach(async () => {
  secrets.reset();
  cluster = makeFakeCluster();
  clock = makeVirtualClock();
  receiver = await startReceiver();
  leases = makeLeaseServer();
  version = 1;
});

afterEach(async () => {
  for (const part of parts.keys()) await part.stop();
  parts.clear();
  expect(clock.sleepers()).toBe(0);
});

const write = (entries: Readonly<Record<string, object>>): void =>
  secrets.put({
    metadata: { name: 'matrx-webhooks', namespace: 'matrx-system', uid: 'u', resourceVersion: String(version++) },
    data: Object.fromEntries(
      Object.entries(entries).map(([name, entry]) => [name, Buffer.from(JSON.stringify(entry)).toString('base64')]),
    ),
  });

/** One of the facades, from its start on. */
const startFacade = async (): Promise<Part> => {
  const lease = leases.connect();
  const isLease = ({ plural }: ResourceType): boolean => plural === 'leases';
  const kube = {
    ...cluster.kube,
    get: (ref: { type: ResourceType }) => (isLease(ref.type) ? lease.client : cluster.kube).get(ref as never),
    create: (type: ResourceType, ...rest: [never, never]) =>
      (isLease(type) ? lease.client : cluster.kube).create(type, ...rest),
    replace: (ref: { type: ResourceType }, object: never) => lease.client.replace(ref as never, object),
  } as unknown as KubeClient;
  const log = pino({ level: 'silent' });
  const part = webhooksPart({
    kube,
    cache: makeSandboxCache(cluster.informer, NAMESPACE),
    informer: cluster.informer,
    endpoints: watchEndpoints(secrets.informer(), { systemNamespace: 'matrx-system', log }),
    systemNamespace: 'matrx-system',
    settings: { namespace: NAMESPACE, webhookAllowedHosts: [receiver.host] },
    metrics: { attempted: () => undefined, givenUp: () => undefined },
    clock,
    random: systemRandom,
    log,
  });
  await part.start({ signal: new AbortController().signal, fail: (error) => expect(error).toBeUndefined() });
  parts.set(part, lease);
  return part;
};
const stop = async (part: Part): Promise<void> => {
  parts.delete(part);
  await part.stop();
};
const isHeld = (): boolean => (leases.lease()?.spec?.holderIdentity ?? '') !== '';
const nameOf = async (): Promise<unknown> => (await receiver.inbox.next()).body.data['sandbox_id'];

describe('the sender of webhooks', () => {
  it('takes no lease where there is nobody to be told', async () => {
    await startFacade();
    cluster.add(aSandbox().build());
    await clock.advance(60_000);
    expect(leases.lease()).toBeUndefined();
    expect(clock.sleepers()).toBe(0);
  });

  it('is one of the facades, and the next one when that stops', async () => {
    const first = await startFacade();
    write({ app: { url: receiver.url, secret: SECRET } });
    await eventually(isHeld);
    await startFacade();
    write({ app: { url: receiver.url, secret: SECRET } });
    cluster.add(aSandbox('one').build());
    expect(await nameOf()).toBe('one');
    await stop(first);
    expect(isHeld()).toBe(false);
    await clock.advance(3000);
    await eventually(isHeld);
    cluster.add(aSandbox('two').build());
    expect(await nameOf()).toBe('two');
    expect(receiver.inbox.unread()).toEqual([]);
  });

  it('leaves it to another when it loses the lease, and does not end its process', async () => {
    const first = await startFacade();
    write({ app: { url: receiver.url, secret: SECRET } });
    await eventually(isHeld);
    parts.get(first)?.cut('requests');
    await clock.advance(12_000);
    await startFacade();
    write({ app: { url: receiver.url, secret: SECRET }, other: { url: receiver.url, secret: SECRET, users: ['bob'] } });
    await clock.advance(20_000);
    cluster.add(aSandbox('one').build());
    expect(await nameOf()).toBe('one');
    await clock.advance(5000);
    expect(receiver.inbox.unread()).toEqual([]);
  });

  it('follows the Secret: a new endpoint, a changed one, none', async () => {
    await startFacade();
    write({ app: { url: receiver.url, secret: SECRET } });
    await eventually(isHeld);
    cluster.add(aSandbox('one').build());
    expect(await nameOf()).toBe('one');
    write({ app: { url: receiver.url.replace('tenant=1', 'tenant=2'), secret: SECRET, events: ['sandbox.ready'] } });
    await clock.advance(1000);
    cluster.add(aSandbox('two').build());
    await clock.advance(1000);
    expect(receiver.inbox.unread()).toEqual([]);
    write({});
    await eventually(() => !isHeld());
  });
});
