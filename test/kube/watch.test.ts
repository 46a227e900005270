import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/api/meta.ts';
import type { KubeClient, WatchEvent } from '../../src/kube/client.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { PODS } from '../../src/kube/resource-types.ts';
import type { WatchStream } from '../support/kube-server/exchange.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

let server: KubeServer;
let clock: VirtualClock;
let client: KubeClient;

beforeEach(async () => {
  server = await startKubeServer();
  clock = makeVirtualClock();
  client = makeKubeClient({ access: directAccess(server.url), clock });
});

afterEach(async () => {
  await client.close();
  await server.close();
  expect(clock.sleepers()).toBe(0);
});

type Events = AsyncIterator<WatchEvent<KubeObject>>;

const open = async (signal?: AbortSignal): Promise<{ events: Events; stream: WatchStream }> => {
  const iterable = client.watch(
    PODS,
    { namespace: 'sandboxes', resourceVersion: '5', timeoutSeconds: 290 },
    { idleTimeoutMs: 1000, ...(signal !== undefined && { signal }) },
  );
  const events = iterable[Symbol.asyncIterator]();
  const first = events.next();
  const exchange = await server.take('GET', '/api/v1/namespaces/sandboxes/pods');
  expect(exchange.query).toEqual({
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: '5',
    timeoutSeconds: '290',
  });
  const stream = exchange.stream();
  stream.bookmark('5');
  expect((await first).value).toEqual({ kind: 'bookmark', resourceVersion: '5' });
  return { events, stream };
};

const pod = (name: string): KubeObject => ({ metadata: { name } });

describe('watch', () => {
  it('asks for bookmarks and yields each kind of event', async () => {
    const { events, stream } = await open();
    stream.event('ADDED', pod('a'));
    stream.event('MODIFIED', pod('a'));
    stream.event('DELETED', pod('a'));
    stream.error(410, 'Expired', 'too old resource version');
    stream.end();
    expect((await events.next()).value).toEqual({ kind: 'added', object: pod('a') });
    expect((await events.next()).value).toEqual({ kind: 'modified', object: pod('a') });
    expect((await events.next()).value).toEqual({ kind: 'deleted', object: pod('a') });
    expect((await events.next()).value).toEqual({
      kind: 'error',
      code: 410,
      reason: 'Expired',
      message: 'too old resource version',
    });
    expect((await events.next()).done).toBe(true);
  });

  it('puts an event together from chunks of one byte, in the middle of UTF-8 too', async () => {
    const { events, stream } = await open();
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: pod('naïve-日本-🚀') })}\n`);
    const next = events.next();
    for (const byte of line) await stream.bytes(Buffer.from([byte]));
    expect((await next).value).toEqual({ kind: 'added', object: pod('naïve-日本-🚀') });
    await events.return?.();
    await stream.closed;
  });

  it('throws Unreachable when the connection is cut in the middle of a line', async () => {
    const { events, stream } = await open();
    await stream.bytes('{"type":"ADDED","object":{"metadata"');
    stream.end();
    await expect(events.next()).rejects.toMatchObject({ name: 'KubeError', reason: 'Unreachable' });
  });

  it('throws Unreachable when the connection is reset', async () => {
    const { events, stream } = await open();
    stream.cut();
    await expect(events.next()).rejects.toMatchObject({ name: 'KubeError', reason: 'Unreachable' });
  });

  it('takes a connection that says nothing for dead, and any byte for a sign of life', async () => {
    const { events, stream } = await open();
    const next = events.next();
    next.catch(() => undefined);
    await clock.advance(900);
    const line = Buffer.from(`${JSON.stringify({ type: 'ADDED', object: pod('a') })}\n`);
    await stream.bytes(line);
    expect((await next).value).toEqual({ kind: 'added', object: pod('a') });
    const silent = events.next();
    silent.catch(() => undefined);
    await clock.advance(900);
    expect(clock.sleepers()).toBe(1);
    await clock.advance(100);
    await expect(silent).rejects.toMatchObject({ reason: 'Timeout', message: expect.stringContaining('1000 ms') });
    await stream.closed;
  });

  it('throws a ServerError for a line that is no event', async () => {
    const { events, stream } = await open();
    await stream.bytes('<html>\n');
    await expect(events.next()).rejects.toMatchObject({ reason: 'ServerError' });
    await stream.closed;
  });

  it('ends without an error when it is aborted, before and while it is connected', async () => {
    const controller = new AbortController();
    const { events, stream } = await open(controller.signal);
    const next = events.next();
    controller.abort();
    expect((await next).done).toBe(true);
    await stream.closed;
    const selection = { resourceVersion: '5', timeoutSeconds: 290 };
    const late = client.watch(PODS, selection, { signal: controller.signal, idleTimeoutMs: 1000 });
    expect((await late[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it('is refused with the server’s reason', async () => {
    const iterable = client.watch(PODS, { resourceVersion: '1', timeoutSeconds: 1 }, { idleTimeoutMs: 1000 });
    const next = iterable[Symbol.asyncIterator]().next();
    (await server.take()).status(410, 'Expired', 'too old');
    await expect(next).rejects.toMatchObject({ reason: 'Gone', code: 410 });
  });

  it('leaves no connection behind when the consumer stops listening', async () => {
    const { events, stream } = await open();
    await events.return?.();
    await stream.closed;
  });
});
