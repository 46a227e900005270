import { beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/base/clock.ts';
import { makeDaemonConnections } from '../../src/facade/daemon/connections.ts';
import type { LogOptions, LogTarget } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { EVENTS } from '../../src/kube/resource-types.ts';
import { aSandbox } from '../support/resources.ts';
import { API_KEY, FACADE_KEY, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
  facade.cluster.add(aSandbox().status(ready('demo')).build());
});

describe('GET /sandboxes/{id}/events', () => {
  const add = (name: string, event: Record<string, unknown>): void =>
    facade.cluster.addOther(EVENTS, { metadata: { name, namespace: 'sandboxes' }, ...event });

  it('lists what happened to the Sandbox and its pod, the newest last', async () => {
    add('restored', {
      regarding: { kind: 'Sandbox', name: 'demo', uid: 'uid-of-demo' },
      eventTime: '2026-01-01T00:00:03.000000Z',
      type: 'Normal',
      reason: 'WorkspaceRestored',
      note: '12 files',
      reportingController: 'matrx.dev/controller',
    });
    add('pulling', {
      regarding: { kind: 'Pod', name: 'demo', uid: 'uid-of-pod' },
      eventTime: null,
      deprecatedFirstTimestamp: '2026-01-01T00:00:01Z',
      deprecatedLastTimestamp: '2026-01-01T00:00:02Z',
      deprecatedCount: 3,
      deprecatedSource: { component: 'kubelet' },
      type: 'Warning',
      reason: 'Failed',
      note: 'no such image',
    });
    expect(await facade.request('/sandboxes/demo/events')).toMatchObject({
      status: 200,
      body: {
        events: [
          {
            first_at: '2026-01-01T00:00:01Z',
            last_at: '2026-01-01T00:00:02Z',
            count: 3,
            type: 'Warning',
            reason: 'Failed',
            message: 'no such image',
            object: 'Pod',
            source: 'kubelet',
          },
          { count: 1, reason: 'WorkspaceRestored', object: 'Sandbox', source: 'matrx.dev/controller' },
        ],
      },
    });
    expect((await facade.request('/sandboxes/demo/events?limit=1')).body).toMatchObject({
      events: [{ reason: 'WorkspaceRestored' }],
    });
  });

  it('leaves out what happened to another of the same name, and to other things', async () => {
    const normal = { type: 'Normal', reason: 'Other', note: '' };
    add('before', { ...normal, regarding: { kind: 'Pod', name: 'demo' }, eventTime: '2025-12-31T00:00:00Z' });
    add('gone', {
      ...normal,
      regarding: { kind: 'Sandbox', name: 'demo', uid: 'old' },
      eventTime: '2026-01-02T00:00:00Z',
    });
    add('node', { ...normal, regarding: { kind: 'Node', name: 'demo' }, eventTime: '2026-01-02T00:00:00Z' });
    expect((await facade.request('/sandboxes/demo/events')).body).toEqual({ events: [] });
  });

  it('answers 404 for one that is not there, and 503 where the API server does not answer', async () => {
    expect((await facade.request('/sandboxes/none/events')).status).toBe(404);
    facade.cluster.fail('list', new KubeError('Timeout', 'no answer'));
    expect((await facade.request('/sandboxes/demo/events')).status).toBe(503);
  });
});

describe('GET /sandboxes/{id}/logs', () => {
  const getText = async (query = ''): Promise<{ status: number; type: string; text: string }> => {
    const response = await fetch(`${facade.url}/sandboxes/demo/logs${query}`, { headers: { 'X-API-Key': API_KEY } });
    const type = response.headers.get('content-type') ?? '';
    return { status: response.status, type, text: await response.text() };
  };
  const printed = async function* (...chunks: readonly string[]): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
  };

  it('gives what the container has printed, as it was printed', async () => {
    let asked: { target: LogTarget; options: LogOptions } | undefined;
    facade.cluster.onLog((target, options) => {
      asked = { target, options };
      return Promise.resolve(printed('one\n', 'two\n'));
    });
    expect(await getText('?tail=5&since=2026-01-01T00:00:00Z&timestamps=true')).toEqual({
      status: 200,
      type: 'text/plain; charset=utf-8',
      text: 'one\ntwo\n',
    });
    expect(asked?.target).toEqual({ namespace: 'sandboxes', pod: 'demo', container: 'sandbox' });
    expect(asked?.options).toMatchObject({
      tailLines: 5,
      sinceTime: '2026-01-01T00:00:00Z',
      timestamps: true,
      follow: false,
      limitBytes: 16 * 1024 * 1024,
    });
  });

  it('follows, each line as it comes, and ends with the client', async () => {
    const goOn = Promise.withResolvers<void>();
    let signal: AbortSignal | undefined;
    facade.cluster.onLog((_target, options) => {
      signal = options.signal;
      return Promise.resolve(
        (async function* () {
          yield Buffer.from('first\n');
          await goOn.promise;
          yield Buffer.from('second\n');
          await new Promise((_resolve, reject) => {
            options.signal?.addEventListener('abort', () => reject(new KubeError('Aborted', 'aborted')));
          });
        })(),
      );
    });
    const client = new AbortController();
    const response = await fetch(`${facade.url}/sandboxes/demo/logs?follow=true`, {
      headers: { 'X-API-Key': API_KEY },
      signal: client.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe('first\n');
    goOn.resolve();
    expect((await reader?.read())?.value).toBe('second\n');
    client.abort();
    await facade.untilLogged(({ msg, status }) => msg === 'request' && (status === 200 || status === 499));
    await new Promise<void>((resolve) => {
      if (signal?.aborted === true) resolve();
      else signal?.addEventListener('abort', () => resolve());
    });
  });

  it('answers a follower of a silent container, though the API server says nothing yet', async () => {
    const spoken = Promise.withResolvers<AsyncIterable<Uint8Array>>();
    facade.cluster.onLog(() => spoken.promise);
    const asked = fetch(`${facade.url}/sandboxes/demo/logs?follow=true`, { headers: { 'X-API-Key': API_KEY } });
    await facade.clock.waitForSleepers(1);
    await facade.clock.advance(2000);
    const response = await asked;
    expect(response.status).toBe(200);
    spoken.resolve(printed('at last\n'));
    expect(await response.text()).toBe('at last\n');
  });

  it.each([
    ['its container has not started', new KubeError('BadRequest', 'container is waiting to start', { code: 400 })],
    ['its pod is gone', new KubeError('NotFound', 'pods "demo" not found', { code: 404 })],
  ])('answers 409 while %s', async (_what, error) => {
    facade.cluster.onLog(() => Promise.reject(error));
    for (const query of ['', '?follow=true']) {
      expect(await facade.request(`/sandboxes/demo/logs${query}`)).toMatchObject({
        status: 409,
        body: { type: 'tag:matrx.dev,2026:sandbox-not-running', sandbox_id: 'demo' },
      });
    }
  });

  it('answers 409 with why where there is no pod, and asks nobody', async () => {
    facade.cluster.add(aSandbox().status(notReady('WorkspaceInUse', 'in use by sbx-1')).build());
    expect(await facade.request('/sandboxes/demo/logs')).toMatchObject({
      status: 409,
      body: { detail: 'Sandbox demo has no log now: it is creating (in use by sbx-1)' },
    });
    facade.cluster.add(aSandbox().wanted('Stopped').status(stopped(true)).build());
    expect((await facade.request('/sandboxes/demo/logs')).status).toBe(409);
    expect(facade.cluster.calls).toEqual([]);
  });

  it.each(['?tail=x', '?tail=100001', '?since=now', '?follow=perhaps'])('answers 422 to %s', async (query) => {
    expect((await facade.request(`/sandboxes/demo/logs${query}`)).status).toBe(422);
  });
});

describe('GET /sandboxes/{id}/metrics', () => {
  const metrics = {
    at: '2026-01-01T00:00:00.000Z',
    cpuSeconds: 1.5,
    cpuLimit: 2,
    memoryBytes: 1000,
    memoryLimitBytes: null,
    diskUsedBytes: 10,
    diskTotalBytes: 100,
    processes: 3,
  };
  const withDaemon = async (
    status: number,
    body: unknown,
    test: (facade: TestFacade, seen: string[]) => Promise<void>,
  ): Promise<void> => {
    const seen: string[] = [];
    const daemon: Server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${String(request.headers.authorization).slice(0, 7)}`);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => daemon.listen(0, '127.0.0.1', resolve));
    const { port } = daemon.address() as AddressInfo;
    const daemons = makeDaemonConnections({ privateKey: FACADE_KEY, clock: systemClock, port });
    try {
      const started = await startFacade({}, undefined, { daemons });
      started.cluster.add(
        aSandbox()
          .status(ready('demo', { podIP: '127.0.0.1', podUid: 'u' }))
          .build(),
      );
      await test(started, seen);
    } finally {
      daemons.close();
      daemon.closeAllConnections();
      await new Promise<void>((resolve) => daemon.close(() => resolve()));
    }
  };

  it('gives what the daemon in the sandbox measures', async () => {
    await withDaemon(200, metrics, async (started, seen) => {
      expect(await started.request('/sandboxes/demo/metrics')).toMatchObject({
        status: 200,
        body: {
          at: '2026-01-01T00:00:00.000Z',
          cpu_seconds: 1.5,
          cpu_limit: 2,
          memory_bytes: 1000,
          memory_limit_bytes: null,
          disk_used_bytes: 10,
          disk_total_bytes: 100,
          processes: 3,
        },
      });
      expect(seen).toEqual(['GET /matrx/metrics Bearer ']);
    });
  });

  it('answers 503 where the daemon does not answer, or has no address yet', async () => {
    expect((await facade.request('/sandboxes/demo/metrics')).status).toBe(503);
    facade.cluster.setStatus('demo', ready('demo', { podIP: '127.0.0.1', podUid: 'u' }));
    const { status, headers, body } = await facade.request('/sandboxes/demo/metrics');
    expect({ status, body }).toMatchObject({ status: 503, body: { type: 'tag:matrx.dev,2026:sandbox-unreachable' } });
    expect(headers.get('retry-after')).toBe('2');
  });

  it('answers 409 for one that does not run, and 404 for one that is not there', async () => {
    facade.cluster.add(
      aSandbox()
        .status(notReady('ContainersStarting', 'starts', { podName: 'p' }))
        .build(),
    );
    expect((await facade.request('/sandboxes/demo/metrics')).status).toBe(409);
    expect((await facade.request('/sandboxes/none/metrics')).status).toBe(404);
  });
});
