import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { atRequest, type S3RequestProxy, startS3RequestProxy } from './s3-request-proxy.ts';

let upstream: Server;
let applied: string[];
let proxy: S3RequestProxy;

beforeEach(async () => {
  applied = [];
  upstream = createServer((incoming, outgoing) => {
    void answer(incoming, outgoing);
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  proxy = await startS3RequestProxy(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`);
});

afterEach(async () => {
  await proxy.close();
  const closed = once(upstream, 'close');
  upstream.close();
  upstream.closeAllConnections();
  await closed;
});

const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  const body = await text(incoming);
  applied.push(`${incoming.method ?? ''} ${incoming.url ?? ''} ${body}`.trim());
  outgoing.writeHead(200, { etag: '"abc"', 'x-host': incoming.headers.host ?? '' }).end('answer');
};

const put = (key: string): Promise<Response> => fetch(`${proxy.endpoint}/bucket/${key}`, { method: 'PUT', body: key });

test('passes requests on with their Host header, and counts them', async () => {
  const answered = await put('a');
  expect(await answered.text()).toBe('answer');
  expect(answered.headers.get('etag')).toBe('"abc"');
  // The signature covers the Host header that the client sent.
  expect(answered.headers.get('x-host')).toBe(new URL(proxy.endpoint).host);
  expect(applied).toEqual(['PUT /bucket/a a']);
  expect(proxy.seen()).toEqual([{ index: 1, method: 'PUT', target: '/bucket/a' }]);
});

test('strikes before the request has reached S3, and drops what follows', async () => {
  let strikes = 0;
  const struck = proxy.arm(atRequest(2, 'before'), () => void (strikes += 1));
  await put('a');
  await expect(put('b')).rejects.toThrow();
  await expect(put('c')).rejects.toThrow();
  expect(applied).toEqual(['PUT /bucket/a a']);
  expect(await struck).toEqual({ index: 2, method: 'PUT', target: '/bucket/b' });
  expect(strikes).toBe(1);
});

test('strikes after S3 has applied the request, with the answer lost', async () => {
  const struck = proxy.arm(
    ({ target }) => (target.endsWith('/b') ? 'after' : undefined),
    () => undefined,
  );
  await put('a');
  await expect(put('b')).rejects.toThrow();
  await struck;
  expect(applied).toEqual(['PUT /bucket/a a', 'PUT /bucket/b b']);
});

test('heal passes everything on and counts from 1', async () => {
  const struck = proxy.arm(atRequest(1, 'before'), () => undefined);
  await expect(put('a')).rejects.toThrow();
  await struck;
  proxy.heal();
  await put('b');
  expect(proxy.seen()).toEqual([{ index: 1, method: 'PUT', target: '/bucket/b' }]);
});
