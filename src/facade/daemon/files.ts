import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import type { ArchiveResult, EntriesPage, FileEvent, FileInfo } from '../../sandboxd/protocol/files.ts';
import type { EncodedPath } from '../files/encoded-path.ts';
import type { DaemonConnections, DaemonRequestOptions, DaemonTarget } from './connections.ts';

type Headers = Readonly<Record<string, string>>;
type Query = Readonly<Record<string, EncodedPath | string | number | boolean | undefined>>;

export interface Written {
  readonly info: FileInfo;
  readonly created: boolean;
}

/** The file API of a sandbox's daemon (src/sandboxd/protocol/files.ts). Throws what DaemonConnections throws. */
export interface DaemonFiles {
  /** The answer as it begins: 200, 206 or 304. */
  readonly read: (
    target: DaemonTarget,
    path: EncodedPath,
    headers: Headers,
    signal: AbortSignal,
  ) => Promise<IncomingMessage>;
  readonly write: (
    target: DaemonTarget,
    path: EncodedPath,
    file: {
      readonly stream: Readable;
      readonly headers: Headers;
      readonly mode?: string | undefined;
      readonly parents: boolean;
    },
    signal: AbortSignal,
  ) => Promise<Written>;
  readonly remove: (target: DaemonTarget, path: EncodedPath, recursive: boolean, signal: AbortSignal) => Promise<void>;
  readonly stat: (target: DaemonTarget, path: EncodedPath, follow: boolean, signal: AbortSignal) => Promise<FileInfo>;
  readonly list: (
    target: DaemonTarget,
    path: EncodedPath,
    page: { readonly depth: number; readonly limit: number; readonly after?: EncodedPath | undefined },
    signal: AbortSignal,
  ) => Promise<EntriesPage>;
  readonly makeDirectory: (
    target: DaemonTarget,
    path: EncodedPath,
    options: { readonly parents: boolean; readonly mode?: string | undefined },
    signal: AbortSignal,
  ) => Promise<Written>;
  readonly move: (
    target: DaemonTarget,
    move: {
      readonly from: EncodedPath;
      readonly to: EncodedPath;
      readonly overwrite: boolean;
      readonly parents: boolean;
    },
    signal: AbortSignal,
  ) => Promise<FileInfo>;
  /** A directory as tar. */
  readonly pack: (target: DaemonTarget, path: EncodedPath, signal: AbortSignal) => Promise<IncomingMessage>;
  readonly unpack: (
    target: DaemonTarget,
    path: EncodedPath,
    stream: Readable,
    signal: AbortSignal,
  ) => Promise<ArchiveResult>;
  /** Leaving the loop, or the signal, ends the watch. */
  readonly watch: (
    target: DaemonTarget,
    path: EncodedPath,
    recursive: boolean,
    signal: AbortSignal,
  ) => Promise<AsyncGenerator<FileEvent>>;
}

export const makeDaemonFiles = ({ request }: Pick<DaemonConnections, 'request'>): DaemonFiles => {
  const ask = (
    target: DaemonTarget,
    method: DaemonRequestOptions['method'],
    what: string,
    query: Query,
    more: Pick<DaemonRequestOptions, 'signal' | 'headers' | 'body'>,
  ): Promise<IncomingMessage> => request(target, { method, path: `/matrx/${what}?${toQuery(query)}`, ...more });
  const written = async (answer: IncomingMessage): Promise<Written> => ({
    created: answer.statusCode === 201,
    info: (await json(answer)) as FileInfo,
  });

  return {
    read: (target, path, headers, signal) => ask(target, 'GET', 'files', { path }, { headers, signal }),
    write: async (target, path, { stream, headers, mode, parents }, signal) =>
      written(await ask(target, 'PUT', 'files', { path, mode, parents }, { headers, body: { stream }, signal })),
    remove: async (target, path, recursive, signal) => {
      (await ask(target, 'DELETE', 'files', { path, recursive }, { signal })).resume();
    },
    stat: async (target, path, follow, signal) =>
      (await json(await ask(target, 'GET', 'stat', { path, follow: follow ? 1 : 0 }, { signal }))) as FileInfo,
    list: async (target, path, page, signal) =>
      (await json(await ask(target, 'GET', 'entries', { path, ...page }, { signal }))) as EntriesPage,
    makeDirectory: async (target, path, { parents, mode }, signal) =>
      written(await ask(target, 'POST', 'directories', { path, parents, mode }, { signal })),
    move: async (target, { from, to, overwrite, parents }, signal) =>
      (await json(await ask(target, 'POST', 'move', { from, to, overwrite, parents }, { signal }))) as FileInfo,
    pack: (target, path, signal) => ask(target, 'GET', 'archive', { path }, { signal }),
    unpack: async (target, path, stream, signal) =>
      (await json(await ask(target, 'PUT', 'archive', { path }, { body: { stream }, signal }))) as ArchiveResult,
    watch: async (target, path, recursive, signal) =>
      eventsIn(await ask(target, 'GET', 'watch', { path, recursive, keepalive: KEEPALIVE_SECONDS }, { signal })),
  };
};

/** Often enough for the proxies that end what says nothing for a minute. */
const KEEPALIVE_SECONDS = 15;

/** Paths are encoded already, and the rest is plain words and numbers. */
const toQuery = (query: Query): string =>
  Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => `${name}=${value === true ? '1' : String(value)}`)
    .join('&');

/** The connection ends with the loop, however that ends. */
async function* eventsIn(answer: IncomingMessage): AsyncGenerator<FileEvent> {
  try {
    for await (const line of createInterface({ input: answer })) yield JSON.parse(line) as FileEvent;
    // Lines end without an error when the connection broke.
    if (answer.errored !== null) throw answer.errored;
  } finally {
    answer.destroy();
  }
}
