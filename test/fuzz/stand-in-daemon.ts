import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { DaemonMetrics } from '../../src/sandboxd/protocol/metrics.ts';
import type { DaemonProblem } from '../../src/sandboxd/protocol/problem.ts';

const METRICS: DaemonMetrics = {
  at: '2026-01-02T03:04:05.000Z',
  cpuSeconds: 1.5,
  cpuLimit: 2,
  memoryBytes: 10_000_000,
  memoryLimitBytes: null,
  diskUsedBytes: 1000,
  diskTotalBytes: 2000,
  processes: 3,
};
const NOT_FOUND: DaemonProblem = { code: 'not_found', message: 'there is no such thing' };

/** In place of the daemon of every sandbox: nobody's random words are run, read or written on this machine. */
export const startStandInDaemon = async (): Promise<number> => {
  const server = createServer((request, response) => {
    request.resume();
    const [path] = (request.url ?? '').split('?');
    if (path === '/health') response.writeHead(204).end();
    else {
      const answer = path === '/matrx/metrics' ? METRICS : NOT_FOUND;
      response.writeHead(answer === METRICS ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};
