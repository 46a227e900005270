import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { HealthState } from '../../src/runtime/health.ts';
import { type OperationsServer, startOperationsServer } from '../../src/telemetry/http-server.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';

let server: OperationsServer;
let ready: HealthState;
const metrics = makeMetrics();

beforeEach(async () => {
  ready = { ok: true, message: '3 objects' };
  server = await startOperationsServer({
    port: 0,
    host: '127.0.0.1',
    live: [{ name: 'event loop', check: () => ({ ok: true, message: 'fine' }) }],
    ready: [
      { name: 'cache pods', check: () => ready },
      { name: 'process', check: () => ({ ok: true, message: 'running' }) },
    ],
    registry: metrics.registry,
  });
});

afterEach(async () => {
  await server.close();
});

const get = async (path: string): Promise<{ status: number; text: string; type: string | null }> => {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return { status: response.status, text: await response.text(), type: response.headers.get('content-type') };
};

describe('operations server', () => {
  it('says ok in one word, and each check where it is asked to', async () => {
    expect(await get('/livez')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await get('/readyz')).toMatchObject({ status: 200, text: 'ok\n' });
    expect(await get('/readyz?verbose')).toMatchObject({
      status: 200,
      text: '[+] cache pods: 3 objects\n[+] process: running\nok\n',
    });
  });

  it('names the check that fails without being asked', async () => {
    ready = { ok: false, message: 'pods is forbidden' };
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      text: '[-] cache pods: pods is forbidden\n[+] process: running\nnot ok\n',
    });
    expect(await get('/livez')).toMatchObject({ status: 200 });
  });

  it('serves the metrics of the process and of the runtime', async () => {
    metrics.runtime.count('workqueue_adds_total', { name: 'sandbox' }, 2);
    metrics.runtime.sample('workqueue_depth', { name: 'sandbox' }, () => 7);
    metrics.runtime.observe('workqueue_queue_duration_seconds', { name: 'sandbox' }, 0.5);
    metrics.onKubeRequest({ method: 'GET', host: 'kube:6443', code: 0, durationMs: 12 });
    const { status, text, type } = await get('/metrics');
    expect(status).toBe(200);
    expect(type).toContain('text/plain');
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain('workqueue_adds_total{name="sandbox"} 2');
    expect(text).toContain('workqueue_depth{name="sandbox"} 7');
    expect(text).toContain('workqueue_queue_duration_seconds_sum{name="sandbox"} 0.5');
    expect(text).toContain('rest_client_requests_total{code="<error>",method="GET",host="kube:6443"} 1');
  });

  it('answers what it does not serve', async () => {
    expect(await get('/')).toMatchObject({ status: 404 });
    const post = await fetch(`http://127.0.0.1:${server.port}/metrics`, { method: 'POST' });
    expect(post.status).toBe(405);
  });

  it('survives a request target that is no URL', async () => {
    const socket = connect(server.port, '127.0.0.1');
    const answer = await new Promise<string>((resolve, reject) => {
      socket.on('data', (data) => resolve(data.toString()));
      socket.on('error', reject);
      socket.write('GET // HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    });
    socket.destroy();
    expect(answer).toContain('404');
    expect(await get('/livez')).toMatchObject({ status: 200 });
  });

  it('rejects when the port is taken', async () => {
    const options = { port: server.port, host: '127.0.0.1', live: [], ready: [], registry: metrics.registry };
    await expect(startOperationsServer(options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
