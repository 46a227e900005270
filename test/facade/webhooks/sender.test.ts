import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pino from 'pino';
import { systemRandom } from '../../../src/base/random.ts';
import { makeSandboxCache } from '../../../src/facade/sandbox-cache.ts';
import type { Endpoint } from '../../../src/facade/webhooks/endpoint.ts';
import { makeSender, type Sender } from '../../../src/facade/webhooks/sender.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import { eventually } from '../../support/eventually.ts';
import { aSandbox, NAMESPACE } from '../../support/resources.ts';
import { makeVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { type FakeCluster, makeFakeCluster } from '../support/fake-cluster.ts';
import { ready, stopped } from '../support/statuses.ts';
import { type Message, type Receiver, startReceiver } from './support/receiver.ts';

const KEY = Buffer.alloc(32, 5);

let cluster: FakeCluster;
let clock: VirtualClock;
let receiver: Receiver;
let lines: Record<string, unknown>[];
let outcomes: string[];
const senders = new Set<Sender>();

beforeEach(async () => {
  cluster = makeFakeCluster();
  clock = makeVirtualClock();
  receiver = await startReceiver();
  lines = [];
  outcomes = [];
});

afterEach(async () => {
  for (const sender of senders) await sender.stop();
  senders.clear();
  expect(clock.sleepers()).toBe(0);
});

const endpointAt = (url: string, more: Partial<Endpoint> = {}): Endpoint => ({
  name: 'app',
  url: new URL(url),
  keys: [KEY],
  events: undefined,
  users: undefined,
  since: 0,
  ...more,
});

/** As a facade that has just begun to lead: it looks at all there is. */
const send = (endpoint = endpointAt(receiver.url), allowed: readonly string[] = [receiver.host]): Sender => {
  const cache = makeSandboxCache(cluster.informer, NAMESPACE);
  const sender = makeSender(
    {
      kube: cluster.kube,
      cache,
      clock,
      random: systemRandom,
      log: pino({ level: 'debug' }, { write: (text: string) => lines.push(JSON.parse(text) as never) }),
      settings: { namespace: NAMESPACE, webhookAllowedHosts: allowed },
      metrics: {
        attempted: (_endpoint, outcome) => outcomes.push(outcome),
        givenUp: () => outcomes.push('given up'),
      },
    },
    endpoint,
  );
  cluster.informer.onChange(({ kind, object }) => {
    if (!senders.has(sender)) return;
    if (kind === 'deleted') sender.noticeGone(object);
    else sender.notice(object);
  });
  sender.start();
  senders.add(sender);
  for (const sandbox of cache.list()) sender.notice(sandbox);
  return sender;
};
const crash = async (sender: Sender): Promise<void> => {
  senders.delete(sender);
  await sender.stop();
};

const remembered = (name = 'demo'): Record<string, string> =>
  JSON.parse(cluster.get(name)?.metadata.annotations?.['webhook.matrx.dev/app'] ?? '{}') as Record<string, string>;
const typeOf = async (): Promise<string> => (await receiver.inbox.next()).body.type;
const settled = (): Promise<void> => eventually(() => clock.sleepers() === 0);

describe('a webhook', () => {
  it('tells what happened to a sandbox, signed, and is remembered by the sandbox', async () => {
    send();
    cluster.add(aSandbox().build());
    const { headers, text, body } = (await receiver.inbox.next()) satisfies Message;
    expect(body).toMatchObject({
      type: 'sandbox.created',
      timestamp: '2026-01-01T00:00:00Z',
      data: { sandbox_id: 'demo', user_id: 'ann', status: 'creating' },
    });
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'matrx-sandbox-webhooks',
      'webhook-timestamp': '1767225600',
    });
    const signed = `${headers['webhook-id'] as string}.1767225600.${text}`;
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', KEY).update(signed).digest('base64')}`);
    await eventually(() => remembered()['created'] === '2026-01-01T00:00:00Z');
    cluster.setStatus('demo', ready('demo', { startedAt: '2026-01-01T00:00:05Z' }));
    expect(await typeOf()).toBe('sandbox.ready');
    await settled();
    expect(outcomes).toEqual(['delivered', 'delivered']);
    expect(lines.filter(({ msg }) => msg === 'webhook delivered')).toHaveLength(2);
  });

  it('comes once, however often the sandbox changes', async () => {
    send();
    cluster.add(
      aSandbox()
        .status(ready('demo', { startedAt: '2026-01-01T00:00:05Z' }))
        .build(),
    );
    expect(await typeOf()).toBe('sandbox.created');
    expect(await typeOf()).toBe('sandbox.ready');
    await eventually(() => remembered()['ready'] !== undefined);
    for (let change = 0; change < 5; change++) {
      cluster.setStatus('demo', ready('demo', { startedAt: '2026-01-01T00:00:05Z', node: `n${change}` }));
    }
    await settled();
    expect(receiver.inbox.unread()).toEqual([]);
  });

  it('is lost by no crash: the next sender sends what was not remembered, with the same id', async () => {
    cluster.fail('mergePatch', new KubeError('Unreachable', 'the API server is away'), { times: 100 });
    const first = send();
    cluster.add(aSandbox().build());
    const before = await receiver.inbox.next();
    await crash(first);
    cluster.fail('mergePatch', undefined, { times: 0 });
    const again = makeFakeCluster();
    again.add(cluster.get('demo') ?? aSandbox().build());
    cluster = again;
    send();
    const after = await receiver.inbox.next();
    expect(after.headers['webhook-id']).toBe(before.headers['webhook-id']);
    await eventually(() => remembered()['created'] !== undefined);
  });

  it('tells the next sender’s endpoint what happened while nobody was there', async () => {
    const first = send();
    cluster.add(aSandbox().build());
    expect(await typeOf()).toBe('sandbox.created');
    await eventually(() => remembered()['created'] !== undefined);
    await crash(first);
    cluster.change('demo', (sandbox) => ({ ...sandbox, spec: { ...sandbox.spec, desiredState: 'Stopped' } }));
    cluster.setStatus('demo', stopped(true, { startedAt: '2026-01-01T00:00:05Z', stoppedAt: '2026-01-01T00:01:00Z' }));
    send();
    expect(await typeOf()).toBe('sandbox.ready');
    expect(await typeOf()).toBe('sandbox.stopped');
    await eventually(() => remembered()['ended'] === 'stopped 2026-01-01T00:01:00Z');
  });

  it('is not sent again only because it could not be written down', async () => {
    cluster.fail('mergePatch', new KubeError('Timeout', 'no answer'), { times: 2 });
    send();
    cluster.add(aSandbox().build());
    await receiver.inbox.next();
    await eventually(() => clock.pending().length > 0);
    while (remembered()['created'] === undefined) await clock.advanceToNext();
    await settled();
    expect(receiver.inbox.unread()).toEqual([]);
    expect(outcomes).toEqual(['delivered']);
  });

  it('of a sandbox that is gone is told from memory', async () => {
    send();
    cluster.add(aSandbox().deleted().build());
    expect(await typeOf()).toBe('sandbox.created');
    await eventually(() => remembered()['created'] !== undefined);
    cluster.remove('demo');
    const { body } = await receiver.inbox.next();
    expect(body).toMatchObject({ type: 'sandbox.deleted', data: { sandbox_id: 'demo' } });
  });
});

describe('an endpoint that does not take it', () => {
  /** Advances to the next attempt and gives the milliseconds that were waited. */
  const nextAttempt = async (): Promise<number> => {
    await eventually(() => clock.pending().length === 1);
    const [ms = 0] = clock.pending();
    await clock.advance(ms);
    await receiver.inbox.next();
    return ms;
  };

  it('is asked again, after 5 s, 10 s … an hour, for a day; then it is given up and said so', async () => {
    receiver.answer(500);
    send();
    cluster.add(aSandbox().build());
    await receiver.inbox.next();
    const waits: number[] = [];
    let waited = 0;
    while (waited < 23 * 3600_000) {
      const ms = await nextAttempt();
      waits.push(ms);
      waited += ms;
    }
    for (const [attempt, ms] of waits.entries()) {
      const ceiling = Math.min(3600_000, 5000 * 2 ** attempt);
      expect(ms).toBeGreaterThanOrEqual(ceiling / 2);
      expect(ms).toBeLessThanOrEqual(ceiling);
    }
    expect(waits.length).toBeGreaterThan(25);
    while (!outcomes.includes('given up')) {
      await eventually(() => outcomes.includes('given up') || clock.pending().length === 1);
      await clock.advanceToNext();
    }
    expect(lines.some(({ msg }) => String(msg).startsWith('a webhook is given up'))).toBe(true);
    await settled();
  });

  it('is not asked sooner because the sandbox changes meanwhile', async () => {
    receiver.answer(503);
    send();
    cluster.add(aSandbox().build());
    await receiver.inbox.next();
    await eventually(() => clock.pending().length === 1);
    for (let change = 0; change < 20; change++) cluster.setStatus('demo', ready('demo', { node: `n${change}` }));
    await eventually(() => clock.pending().length === 1);
    await clock.advance(1000);
    expect(receiver.inbox.unread()).toEqual([]);
    receiver.answer(204);
    await clock.advance(5000);
    await receiver.inbox.next();
    await settled();
  });

  it('is asked when it says (Retry-After)', async () => {
    receiver.answer(429, { 'Retry-After': '90' });
    send();
    cluster.add(aSandbox().build());
    await receiver.inbox.next();
    receiver.answer(200);
    expect(await nextAttempt()).toBe(90_000);
    await settled();
  });

  it('that answers nothing is left after 15 s', async () => {
    receiver.answer('hang');
    send();
    cluster.add(aSandbox().build());
    await receiver.inbox.next();
    await clock.advance(15_000);
    await eventually(() => outcomes.includes('failed'));
    receiver.answer(204);
    await nextAttempt();
    await settled();
  });

  it('that redirects is followed nowhere', async () => {
    const other = await startReceiver();
    receiver.answer(307, { Location: other.url });
    send(endpointAt(receiver.url), [receiver.host, other.host]);
    cluster.add(aSandbox().build());
    await receiver.inbox.next();
    await eventually(() => outcomes.includes('refused'));
    expect(other.inbox.unread()).toEqual([]);
  });

  it('that answers 410 is left alone until its entry is written anew', async () => {
    receiver.answer(410);
    send();
    cluster.add(aSandbox().build());
    await receiver.inbox.next();
    await settled();
    cluster.add(aSandbox('other').build());
    await settled();
    expect(receiver.inbox.unread()).toEqual([]);
    expect(lines.some(({ level, msg }) => level === 50 && String(msg).includes('410'))).toBe(true);
  });

  it('keeps no other sandbox of another endpoint waiting', async () => {
    const slow = await startReceiver();
    slow.answer('hang');
    send(endpointAt(slow.url, { name: 'slow' }), [slow.host]);
    send();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) cluster.add(aSandbox(name).build());
    const told = new Set<unknown>();
    while (told.size < 6) told.add((await receiver.inbox.next()).body.data['sandbox_id']);
    // No more than its four workers are busy with the one that hangs.
    expect(slow.inbox.unread()).toHaveLength(4);
  });
});

describe('a target that is not for everyone', () => {
  it('is not connected to, and the log says why', async () => {
    send(endpointAt(receiver.url), []);
    cluster.add(aSandbox().build());
    await eventually(() => outcomes.includes('failed'));
    expect(receiver.inbox.unread()).toEqual([]);
    expect(lines.find(({ msg }) => msg === 'webhook not sent')).toMatchObject({
      reason: expect.stringContaining('MATRX_WEBHOOK_ALLOWED_HOSTS'),
    });
  });

  it('is no place for a key: none is in the log', async () => {
    receiver.answer(500);
    send();
    cluster.add(aSandbox().build());
    await receiver.inbox.next();
    await eventually(() => outcomes.length === 1);
    expect(JSON.stringify(lines)).not.toContain(KEY.toString('base64'));
  });
});
