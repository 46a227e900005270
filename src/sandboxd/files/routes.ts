import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerEmpty, answerJson } from '../answer.ts';
import { DEFAULT_PAGE_ENTRIES, type FileEvent, MAX_PAGE_ENTRIES } from '../protocol/files.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { DaemonRequest, Handler, Route } from '../route.ts';
import type { SandboxdSettings } from '../settings.ts';
import { answerArchive, unpackArchive } from './archive.ts';
import { type BytePath, fromText, pathParameter, resolvePath } from './byte-path.ts';
import { readFileInfo } from './file-info.ts';
import { startFileWatch } from './file-watch.ts';
import type { KeyLock } from './key-lock.ts';
import { listPage } from './list-directory.ts';
import { makeDirectory } from './make-directory.ts';
import { movePath } from './move-path.ts';
import { answerFile } from './read-file.ts';
import { removePath } from './remove-path.ts';
import { replaceFile } from './replace-file.ts';

export interface FileDependencies {
  readonly settings: Pick<SandboxdSettings, 'home' | 'environment'>;
  /** Shared by all that write. */
  readonly lock: KeyLock;
}

/** The native file API: ../protocol/files.ts. */
export const fileRoutes = ({ settings, lock }: FileDependencies): readonly Route[] => {
  const home = fromText(settings.home);
  const at = (request: DaemonRequest, name = 'path'): BytePath => requiredPath(request, name, home);
  const read: Handler = (request, response) => answerFile(at(request), request, response);
  return [
    { method: 'GET', path: '/matrx/files', handle: read },
    { method: 'HEAD', path: '/matrx/files', handle: read },
    {
      method: 'PUT',
      path: '/matrx/files',
      handle: async (request, response) => {
        const { info, created } = await replaceFile(lock, at(request), {
          content: bodyOf(request.raw),
          ...sizeOf(request.raw),
          ...modeOf(request),
          parents: flag(request, 'parents'),
          conditions: request.raw.headers,
        });
        response.setHeader('ETag', info.etag);
        answerJson(response, created ? 201 : 200, info);
      },
    },
    {
      method: 'DELETE',
      path: '/matrx/files',
      handle: async (request, response) => {
        await removePath(at(request), { recursive: flag(request, 'recursive'), signal: request.signal });
        answerEmpty(response);
      },
    },
    {
      method: 'GET',
      path: '/matrx/stat',
      handle: async (request, response) => {
        answerJson(response, 200, await readFileInfo(at(request), { follow: request.query.get('follow') !== '0' }));
      },
    },
    {
      method: 'GET',
      path: '/matrx/entries',
      handle: async (request, response) => {
        const after = pathParameter(request.raw.url ?? '', 'after');
        const page = await listPage(at(request), {
          depth: whole(request, 'depth', 1, { min: 1, max: 1000 }),
          limit: whole(request, 'limit', DEFAULT_PAGE_ENTRIES, { min: 1, max: MAX_PAGE_ENTRIES }),
          ...(after === undefined ? {} : { after: resolvePath(home, after) }),
        });
        answerJson(response, 200, page);
      },
    },
    {
      method: 'POST',
      path: '/matrx/directories',
      handle: async (request, response) => {
        const { info, created } = await makeDirectory(at(request), {
          parents: flag(request, 'parents'),
          ...modeOf(request),
        });
        answerJson(response, created ? 201 : 200, info);
      },
    },
    {
      method: 'POST',
      path: '/matrx/move',
      handle: async (request, response) => {
        const options = { overwrite: flag(request, 'overwrite'), parents: flag(request, 'parents') };
        answerJson(response, 200, await movePath(lock, at(request, 'from'), at(request, 'to'), options));
      },
    },
    {
      method: 'GET',
      path: '/matrx/archive',
      handle: (request, response) => answerArchive(at(request), response, { ...settings, signal: request.signal }),
    },
    {
      method: 'PUT',
      path: '/matrx/archive',
      handle: async (request, response) => {
        const context = { ...settings, signal: request.signal };
        answerJson(response, 200, await unpackArchive(at(request), bodyOf(request.raw), context));
      },
    },
    {
      method: 'GET',
      path: '/matrx/watch',
      handle: (request, response) => answerWatch(at(request), request, response),
    },
  ];
};

const DEFAULT_KEEPALIVE_SECONDS = 30;

const answerWatch = async (path: BytePath, request: DaemonRequest, response: ServerResponse): Promise<void> => {
  const keepalive = whole(request, 'keepalive', DEFAULT_KEEPALIVE_SECONDS, { min: 1, max: 3600 }) * 1000;
  const watch = await startFileWatch(path, { recursive: flag(request, 'recursive') });
  const { signal } = request;
  const send = async (event: FileEvent): Promise<void> => {
    if (!response.write(`${JSON.stringify(event)}\n`)) await once(response, 'drain', { signal });
  };
  try {
    const { path: root } = await readFileInfo(path, { follow: true });
    response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
    await send({ type: 'ready', path: root });
    for (;;) {
      const events = await watch.take(keepalive, signal);
      if (events === undefined) break;
      for (const event of events.length === 0 ? [{ type: 'keepalive', path: root } as const] : events)
        await send(event);
    }
    response.end();
  } finally {
    watch.close();
  }
};

/** The body as it comes. Left early, it does not take the connection with it, on which the refusal is sent. */
export const bodyOf = (request: IncomingMessage): AsyncIterable<Buffer> =>
  request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;

export const sizeOf = ({ headers }: IncomingMessage): { readonly size?: number } => {
  const { 'content-length': length } = headers;
  return length === undefined ? {} : { size: Number(length) };
};

const requiredPath = (request: DaemonRequest, name: string, home: BytePath): BytePath => {
  const given = pathParameter(request.raw.url ?? '', name);
  if (given === undefined) throw new DaemonError('invalid_argument', `${name} is missing`);
  return resolvePath(home, given);
};

const flag = ({ query }: DaemonRequest, name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '');

const modeOf = ({ query }: DaemonRequest): { readonly mode?: number } => {
  const text = query.get('mode');
  if (text === null) return {};
  if (!/^[0-7]{1,5}$/.test(text) || parseInt(text, 8) > 0o7777) {
    throw new DaemonError(
      'invalid_argument',
      `mode is ${JSON.stringify(text)}: give octal permission bits, such as 0644`,
    );
  }
  return { mode: parseInt(text, 8) };
};

const whole = (
  { query }: DaemonRequest,
  name: string,
  otherwise: number,
  { min, max }: { readonly min: number; readonly max: number },
): number => {
  const text = query.get(name);
  const value = text === null ? otherwise : /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new DaemonError('invalid_argument', `${name} is ${JSON.stringify(text)}: give a number from ${min} to ${max}`);
};
