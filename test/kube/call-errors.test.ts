import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { PODS } from '../../src/kube/resource-types.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

const POD = { type: PODS, namespace: 'sandboxes', name: 'demo' } as const;

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

const failureOf = async (call: Promise<unknown>): Promise<KubeError> => {
  const error: unknown = await call.then(
    () => new Error('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KubeError);
  return error as KubeError;
};

describe('a call that does not succeed', () => {
  it.each([
    [400, 'BadRequest', 'BadRequest'],
    [401, 'Unauthorized', 'Unauthorized'],
    [403, 'Forbidden', 'Forbidden'],
    [404, 'NotFound', 'NotFound'],
    [405, 'MethodNotAllowed', 'BadRequest'],
    [409, 'AlreadyExists', 'AlreadyExists'],
    [409, 'Conflict', 'Conflict'],
    [410, 'Expired', 'Gone'],
    [410, 'Gone', 'Gone'],
    [413, 'RequestEntityTooLarge', 'BadRequest'],
    [422, 'Invalid', 'Invalid'],
    [429, 'TooManyRequests', 'TooManyRequests'],
    [500, 'InternalError', 'ServerError'],
    [503, 'ServiceUnavailable', 'ServerError'],
    [504, 'Timeout', 'Timeout'],
  ])('%i %s is a %s with the server’s own message', async (code, reason, expected) => {
    const call = client.get(POD);
    (await server.take()).status(code, reason, 'spec.userId: Required value');
    const error = await failureOf(call);
    expect(error).toMatchObject({ reason: expected, code, message: 'spec.userId: Required value' });
    expect(error.retryAfterMs).toBeUndefined();
  });

  it('carries Retry-After in milliseconds, as seconds or as a date', async () => {
    const first = client.get(POD);
    (await server.take()).status(429, 'TooManyRequests', 'slow down', { 'retry-after': '3' });
    expect((await failureOf(first)).retryAfterMs).toBe(3000);

    const second = client.get(POD);
    const date = new Date(clock.now() + 9000).toUTCString();
    (await server.take()).status(503, 'ServiceUnavailable', 'down', { 'retry-after': date });
    expect((await failureOf(second)).retryAfterMs).toBe(9000);
  });

  it('shows what a proxy answered instead of a Status', async () => {
    const call = client.get(POD);
    (await server.take()).text(502, '<html>Bad gateway</html>');
    const error = await failureOf(call);
    expect(error).toMatchObject({ reason: 'ServerError', code: 502 });
    expect(error.message).toContain('GET /api/v1/namespaces/sandboxes/pods/demo was answered with 502 <html>');
  });

  it('is a ServerError when a success is no JSON', async () => {
    const call = client.get(POD);
    (await server.take()).text(200, 'hello');
    expect(await failureOf(call)).toMatchObject({ reason: 'ServerError' });
  });

  it('is Unreachable when nobody listens or the connection is reset', async () => {
    const reset = client.create(PODS, 'sandboxes', { metadata: { name: 'demo' } });
    (await server.take('POST')).cut();
    expect(await failureOf(reset)).toMatchObject({ reason: 'Unreachable', code: 0 });

    await server.close();
    expect(await failureOf(client.get(POD))).toMatchObject({ reason: 'Unreachable', code: 0 });
  });

  it('is a Timeout when the answer does not come in time, headers or body', async () => {
    const headers = failureOf(client.get(POD));
    const silent = await server.take();
    await clock.advance(30_000);
    const error = await headers;
    expect(error).toMatchObject({ reason: 'Timeout', code: 0 });
    expect(error.message).toBe('GET /api/v1/namespaces/sandboxes/pods/demo did not finish within 30000 ms');
    await silent.closed;

    const body = failureOf(client.get(POD));
    const half = await server.take();
    await half.stream().bytes('{"metadata":');
    await clock.advance(30_000);
    expect(await body).toMatchObject({ reason: 'Timeout' });
    await half.closed;
  });

  it('is Aborted at once when the caller gives up, also before it has begun', async () => {
    const controller = new AbortController();
    const call = client.get(POD, { signal: controller.signal });
    const request = await server.take();
    controller.abort();
    expect(await failureOf(call)).toMatchObject({ reason: 'Aborted' });
    await request.closed;
    expect(await failureOf(client.get(POD, { signal: controller.signal }))).toMatchObject({ reason: 'Aborted' });
  });

  it('fails with the reason when the client has been closed', async () => {
    await client.close();
    const error = await failureOf(client.get(POD));
    expect(error.message).toContain('the Kubernetes client is closed');
  });
});
