import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { HealthCheck } from '../runtime/health.ts';
import type { Part } from '../runtime/manager.ts';
import { healthReport } from './health-report.ts';

export interface OperationsServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** All addresses unless given. */
  readonly host?: string;
  /** What only a restart would help: kubelet restarts the container. */
  readonly live: readonly HealthCheck[];
  /** What must hold before traffic or trust is due. */
  readonly ready: readonly HealthCheck[];
  readonly registry: Registry;
}

export interface OperationsServer {
  readonly port: number;
  /** Ends every connection. */
  readonly close: () => Promise<void>;
}

/**
 * /livez, /readyz (both with `?verbose` for one line a check) and /metrics. Plain HTTP on a port of its own, as kubelet and Prometheus ask for
 * it. Rejects when the port cannot be had.
 */
export const startOperationsServer = async (options: OperationsServerOptions): Promise<OperationsServer> => {
  const answer = async (target: string, response: ServerResponse): Promise<void> => {
    // Not `new URL`, which throws for a target like `//`.
    const [path, query = ''] = target.split('?', 2);
    if (path === '/livez' || path === '/readyz') {
      const { ok, text } = healthReport(
        path === '/livez' ? options.live : options.ready,
        new URLSearchParams(query).has('verbose'),
      );
      response.writeHead(ok ? 200 : 503, PLAIN).end(text);
    } else if (path === '/metrics') {
      const text = await options.registry.metrics();
      response.writeHead(200, { 'content-type': options.registry.contentType }).end(text);
    } else {
      response.writeHead(404, PLAIN).end('try /livez, /readyz, /readyz?verbose or /metrics\n');
    }
  };
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { ...PLAIN, allow: 'GET, HEAD' }).end('GET only\n');
      return;
    }
    answer(request.url ?? '/', response).catch((error: unknown) => {
      response.writeHead(500, PLAIN).end(`${String(error)}\n`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** The server as the first part to start and the last to stop: probes are answered from the first moment to the last. */
export const operationsPart = (options: OperationsServerOptions): Part => {
  let server: OperationsServer | undefined;
  return {
    name: 'operations server',
    start: async () => {
      server = await startOperationsServer(options);
    },
    stop: async () => {
      await server?.close();
    },
  };
};

const PLAIN = { 'content-type': 'text/plain; charset=utf-8' };
