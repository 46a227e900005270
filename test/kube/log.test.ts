import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeClient, LogTarget } from '../../src/kube/client.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

const TARGET: LogTarget = { namespace: 'sandboxes', pod: 'demo', container: 'sandbox' };
const PATH = '/api/v1/namespaces/sandboxes/pods/demo/log';

let server: KubeServer;
let clock: VirtualClock;
let client: KubeClient;

beforeEach(async () => {
  server = await startKubeServer();
  clock = makeVirtualClock();
  client = makeKubeClient({ access: directAccess(server.url), clock, deadlineMs: 1000 });
});

afterEach(async () => {
  await client.close();
  await server.close();
  expect(clock.sleepers()).toBe(0);
});

const textOf = async (log: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of log) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

describe('log', () => {
  it('gives what a container has printed, as it was printed', async () => {
    const log = client.log(TARGET, {
      tailLines: 10,
      sinceTime: '2026-01-01T00:00:00Z',
      timestamps: true,
      limitBytes: 4096,
    });
    const exchange = await server.take('GET', PATH);
    expect(exchange.query).toEqual({
      container: 'sandbox',
      tailLines: '10',
      sinceTime: '2026-01-01T00:00:00Z',
      timestamps: 'true',
      limitBytes: '4096',
    });
    // The API server writes no JSON here, and an older one refuses a client that takes nothing else.
    expect(exchange.headers.accept).toBe('*/*');
    exchange.text(200, 'one\n\ntwo');
    expect(await textOf(await log)).toBe('one\n\ntwo');
  });

  it('follows: what is printed comes at once, and leaving ends the connection', async () => {
    const log = client.log(TARGET, { follow: true });
    const stream = (await server.take('GET', PATH)).stream();
    await stream.bytes('first\n');
    const seen: string[] = [];
    for await (const chunk of await log) {
      seen.push(Buffer.from(chunk).toString('utf8'));
      if (seen.length === 2) break;
      await stream.bytes('second\n');
    }
    expect(seen).toEqual(['first\n', 'second\n']);
    await stream.closed;
  });

  it('waits for the first output of a container that it follows, however long that takes', async () => {
    const log = client.log(TARGET, { follow: true });
    const exchange = await server.take('GET', PATH);
    await clock.advance(3_600_000);
    exchange.text(200, 'at last\n');
    expect(await textOf(await log)).toBe('at last\n');
  });

  it('gives up on a server that does not answer, where nothing is followed', async () => {
    const log = client.log(TARGET, {});
    await server.take('GET', PATH);
    const refused = expect(log).rejects.toMatchObject({ reason: 'Timeout' });
    await clock.advance(1000);
    await refused;
  });

  it('throws what the server says where it refuses', async () => {
    const log = client.log(TARGET, {});
    (await server.take('GET', PATH)).status(400, 'BadRequest', 'container "sandbox" is waiting to start');
    await expect(log).rejects.toMatchObject({ reason: 'BadRequest', message: /waiting to start/ });
  });

  it('throws when the connection is cut in the middle', async () => {
    const log = client.log(TARGET, { follow: true });
    const stream = (await server.take('GET', PATH)).stream();
    await stream.bytes('first\n');
    const reading = textOf(await log);
    stream.cut();
    await expect(reading).rejects.toMatchObject({ reason: 'Unreachable' });
  });

  it('ends with its signal, before and after the answer has begun', async () => {
    const before = new AbortController();
    const waiting = client.log(TARGET, { follow: true, signal: before.signal });
    await server.take('GET', PATH);
    before.abort();
    await expect(waiting).rejects.toMatchObject({ reason: 'Aborted' });

    const after = new AbortController();
    const log = client.log(TARGET, { follow: true, signal: after.signal });
    const stream = (await server.take('GET', PATH)).stream();
    await stream.bytes('first\n');
    const reading = textOf(await log);
    after.abort();
    await expect(reading).rejects.toMatchObject({ reason: 'Aborted' });
    await stream.closed;
  });
});
