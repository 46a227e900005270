import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** One request and the ways to answer it. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON, or undefined where there is none. */
  readonly body: unknown;
  readonly json: (code: number, body: unknown, headers?: Record<string, string>) => void;
  readonly text: (code: number, body: string, headers?: Record<string, string>) => void;
  /** metav1.Status. */
  readonly status: (code: number, reason: string, message?: string, headers?: Record<string, string>) => void;
  readonly list: (items: readonly object[], resourceVersion: string, next?: string) => void;
  /** A watch: headers now, events as the test sends them. */
  readonly stream: () => WatchStream;
  /** Resets the connection. */
  readonly cut: () => void;
  /** Resolves when the client has gone away or the answer is complete. */
  readonly closed: Promise<void>;
}

export interface WatchStream {
  readonly event: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: object) => void;
  readonly bookmark: (resourceVersion: string) => void;
  readonly error: (code: number, reason: string, message?: string) => void;
  readonly bytes: (bytes: string | Uint8Array) => Promise<void>;
  /** The regular end of a watch. */
  readonly end: () => void;
  readonly cut: () => void;
  readonly closed: Promise<void>;
}

export const makeExchange = (request: IncomingMessage, response: ServerResponse, body: string): Exchange => {
  const url = new URL(request.url ?? '/', 'http://server');
  const closed = new Promise<void>((resolve) => response.on('close', () => resolve()));
  const text = (code: number, content: string, headers: Record<string, string> = {}): void => {
    response.writeHead(code, headers).end(content);
  };
  const json = (code: number, content: unknown, headers: Record<string, string> = {}): void =>
    text(code, JSON.stringify(content), { 'content-type': 'application/json', ...headers });
  const cut = (): void => {
    request.socket.resetAndDestroy();
  };

  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
    body: body === '' ? undefined : (JSON.parse(body) as unknown),
    json,
    text,
    status: (code, reason, message = reason, headers = {}) =>
      json(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, headers),
    list: (items, resourceVersion, next) =>
      json(200, { kind: 'List', metadata: { resourceVersion, ...(next !== undefined && { continue: next }) }, items }),
    stream: () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      const line = (event: object): void => {
        response.write(`${JSON.stringify(event)}\n`);
      };
      return {
        event: (type, object) => line({ type, object }),
        bookmark: (resourceVersion) => line({ type: 'BOOKMARK', object: { metadata: { resourceVersion } } }),
        error: (code, reason, message = reason) =>
          line({
            type: 'ERROR',
            object: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message },
          }),
        bytes: (bytes) => new Promise<void>((resolve) => response.write(bytes, () => resolve())),
        end: () => {
          response.end();
        },
        cut,
        closed,
      };
    },
    cut,
    closed,
  };
};
