import { constants } from 'node:os';
import type { ServerResponse } from 'node:http';
import { answerEmpty, answerJson, readJson } from '../answer.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { DaemonRequest, Route } from '../route.ts';
import { makeNamedReaders } from './named-readers.ts';
import type { ProcessTable } from './process-table.ts';
import { sendFrames } from './send-frames.ts';
import { parseSize, parseStart, PROCESS_ID } from './start-request.ts';

const PATH = '/matrx/processes';

/** The native process API: ../protocol/process.ts. */
export const processRoutes = (table: ProcessTable): readonly Route[] => {
  const readers = makeNamedReaders();
  const find = ({ params }: DaemonRequest) => table.get(params['id'] ?? '');

  const start = async (request: DaemonRequest, response: ServerResponse): Promise<void> => {
    const { query, raw, signal } = request;
    const reader = readerName(query);
    const process = await table.start(parseStart(await readJson(raw)));
    if (query.get('attach') === '1')
      await sendFrames(process, readers, { cursor: 0, follow: true, reader, signal }, response);
    else answerJson(response, 201, process.info());
  };
  const output = async (request: DaemonRequest, response: ServerResponse): Promise<void> => {
    const { query, signal } = request;
    const cursor = offsetIn(query, 'cursor');
    const follow = query.get('follow') !== '0';
    await sendFrames(find(request), readers, { cursor, follow, reader: readerName(query), signal }, response);
  };
  const input = async (request: DaemonRequest, response: ServerResponse): Promise<void> => {
    const { query, raw, signal } = request;
    const { input: stdin } = find(request);
    let offset = query.has('offset') ? offsetIn(query, 'offset') : undefined;
    for await (const bytes of raw as AsyncIterable<Buffer>) {
      if (offset === undefined) await stdin.append(bytes, signal);
      else {
        await stdin.take(offset, bytes, signal);
        offset += bytes.length;
      }
    }
    answerJson(response, 200, { offset: stdin.taken() });
  };

  return [
    { method: 'POST', path: PATH, handle: start },
    {
      method: 'GET',
      path: PATH,
      handle: (_request, response) =>
        answerJson(response, 200, { processes: table.list().map((process) => process.info()) }),
    },
    {
      method: 'GET',
      path: `${PATH}/:id`,
      handle: (request, response) => answerJson(response, 200, find(request).info()),
    },
    { method: 'GET', path: `${PATH}/:id/output`, handle: output },
    {
      method: 'POST',
      path: `${PATH}/:id/output/acknowledge`,
      handle: ({ params, query }, response) => {
        readers.acknowledge(params['id'] ?? '', readerName(query) ?? '', offsetIn(query, 'cursor'));
        answerEmpty(response);
      },
    },
    { method: 'POST', path: `${PATH}/:id/input`, handle: input },
    {
      method: 'POST',
      path: `${PATH}/:id/input/close`,
      handle: async (request, response) => {
        await find(request).input.close();
        answerEmpty(response);
      },
    },
    {
      method: 'POST',
      path: `${PATH}/:id/signal`,
      handle: async (request, response) => {
        const process = find(request);
        process.signal(signalIn(await readJson(request.raw)));
        answerEmpty(response);
      },
    },
    {
      method: 'POST',
      path: `${PATH}/:id/resize`,
      handle: async (request, response) => {
        const process = find(request);
        process.resize(parseSize(await readJson(request.raw)));
        answerEmpty(response);
      },
    },
    {
      method: 'DELETE',
      path: `${PATH}/:id`,
      handle: async ({ params }, response) => {
        await table.remove(params['id'] ?? '');
        answerEmpty(response);
      },
    },
  ];
};

/** A whole number of bytes; 0 where there is none. */
const offsetIn = (query: URLSearchParams, name: string): number => {
  const text = query.get(name) ?? '0';
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new DaemonError('invalid_argument', `${name} is ${JSON.stringify(text)}: it is a number of bytes`);
  }
  return value;
};

const readerName = (query: URLSearchParams): string | undefined => {
  const name = query.get('reader') ?? undefined;
  if (name !== undefined && !PROCESS_ID.test(name)) {
    throw new DaemonError('invalid_argument', 'reader: at most 64 of a-z, 0-9 and -');
  }
  return name;
};

const signalIn = ({ signal }: Readonly<Record<string, unknown>>): NodeJS.Signals => {
  if (typeof signal !== 'string' || !Object.hasOwn(constants.signals, signal)) {
    throw new DaemonError('invalid_argument', 'signal: a name such as SIGTERM is needed');
  }
  return signal as NodeJS.Signals;
};
