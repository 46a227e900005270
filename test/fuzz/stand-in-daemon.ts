import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeFrame, type Frame, jsonFrame } from '../../src/sandboxd/protocol/frames.ts';
import type { DaemonMetrics } from '../../src/sandboxd/protocol/metrics.ts';
import type { DaemonProblem } from '../../src/sandboxd/protocol/problem.ts';
import type { FileEvent } from '../../src/sandboxd/protocol/files.ts';
import type { ProcessEnd, ProcessInfo, StartProcess } from '../../src/sandboxd/protocol/process.ts';
import { startConfinedFiles } from './confined-files.ts';

const NOW = '2026-01-02T03:04:05.000Z';
const METRICS: DaemonMetrics = {
  at: NOW,
  cpuSeconds: 1.5,
  cpuLimit: 2,
  memoryBytes: 10_000_000,
  memoryLimitBytes: null,
  diskUsedBytes: 1000,
  diskTotalBytes: 2000,
  processes: 3,
};
const NOT_FOUND: DaemonProblem = { code: 'not_found', message: 'there is no such thing' };
const END: ProcessEnd = { exitCode: 0, signal: null, timedOut: false, cwd: '/home/agent', endedAt: NOW };
/** Of a directory to which nothing happens; a watch that goes on would hold up whoever asks. */
const WATCHED: FileEvent = { type: 'ready', path: '/home/agent' };
const OUTPUT = Buffer.from('out\n');

/** Of a process that has run and ended, whoever asks. */
const infoOf = (id: string, { label, cwd, argv, shell, pty }: Partial<StartProcess> = {}): ProcessInfo => ({
  id,
  pid: 4242,
  argv: argv ?? ['bash', '-c', '--', shell ?? 'true'],
  label: label ?? null,
  cwd: cwd ?? '/home/agent',
  pty: pty !== undefined,
  startedAt: NOW,
  running: false,
  outputBytes: OUTPUT.length,
  outputFrom: 0,
  end: END,
});

const framesOf = (info: ProcessInfo, cursor: number): readonly Frame[] => [
  jsonFrame('start', cursor, info),
  ...(cursor < OUTPUT.length ? [{ type: 'stdout' as const, offset: cursor, payload: OUTPUT.subarray(cursor) }] : []),
  jsonFrame('end', OUTPUT.length, END),
];

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};

const answer = (request: IncomingMessage, response: ServerResponse, body: string): void => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://daemon');
  const [, id, rest] = /^\/matrx\/processes\/([a-z0-9-]{1,64})(\/.*)?$/.exec(pathname) ?? [];
  const frames = (info: ProcessInfo, cursor: number): void => {
    response.writeHead(200, { 'content-type': 'application/vnd.matrx.frames' });
    response.end(Buffer.concat(framesOf(info, cursor).map(encodeFrame)));
  };
  if (pathname === '/health') response.writeHead(204).end();
  else if (pathname === '/matrx/metrics') json(response, 200, METRICS);
  else if (pathname === '/matrx/watch') response.end(`${JSON.stringify(WATCHED)}\n`);
  else if (pathname === '/matrx/processes' && request.method === 'POST') {
    const start = JSON.parse(body) as StartProcess;
    const info = infoOf(start.id ?? 'p-1', start);
    if (searchParams.get('attach') === '1') frames(info, 0);
    else json(response, 201, info);
  } else if (pathname === '/matrx/processes') json(response, 200, { processes: [infoOf('p-1')] });
  else if (id === undefined) json(response, 404, NOT_FOUND);
  else if (rest === '/output') frames(infoOf(id), Math.min(OUTPUT.length, Number(searchParams.get('cursor') ?? 0)));
  else if (rest === '/input') json(response, 200, { offset: Number(searchParams.get('offset') ?? 0) + body.length });
  else if (rest === undefined && request.method === 'GET') json(response, 200, infoOf(id));
  else json(response, 200, {});
};

export interface StandInDaemon {
  readonly port: number;
  /** Below which its files are. */
  readonly root: string;
  readonly close: () => Promise<void>;
}

/**
 * In place of the daemon of every sandbox: it runs nobody's random words on this machine; any process has ended well. Its
 * files are real ones, in a folder of their own (./confined-files.ts).
 */
export const startStandInDaemon = async (): Promise<StandInDaemon> => {
  const files = await startConfinedFiles();
  const server = createServer((request, response) => {
    if (files.serves((request.url ?? '/').split('?')[0] ?? '')) return files.serve(request, response);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, response, Buffer.concat(chunks).toString('utf8')));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    root: files.root,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await files.close();
    },
  };
};
