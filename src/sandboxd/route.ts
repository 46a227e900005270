import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

/** One request as a handler sees it. */
export interface DaemonRequest {
  readonly raw: IncomingMessage;
  readonly query: URLSearchParams;
  /** The `:name` parts of the route's path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Aborts when the client has gone or the daemon stops. */
  readonly signal: AbortSignal;
}

/** Answers by writing to `response`; what it throws is answered as a DaemonProblem, if nothing was sent yet. */
export type Handler = (request: DaemonRequest, response: ServerResponse) => Promise<void> | void;
export type UpgradeHandler = (request: DaemonRequest, socket: Duplex, head: Buffer) => Promise<void> | void;

interface Endpoint {
  /** `/matrx/processes/:id` */
  readonly path: string;
  /** Answered to everyone, without a token. */
  readonly open?: boolean;
}

export type Route =
  | (Endpoint & { readonly method: string; readonly handle: Handler })
  | (Endpoint & { readonly method: 'UPGRADE'; readonly upgrade: UpgradeHandler });

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the route of a request; `otherMethods` are those that the path would take. */
export const makeRouter = (routes: readonly Route[]) => {
  const compiled = routes.map((route) => ({ route, parts: route.path.split('/') }));
  return (method: string, path: string): Match | { readonly otherMethods: readonly string[] } => {
    const parts = path.split('/');
    const otherMethods: string[] = [];
    for (const { route, parts: pattern } of compiled) {
      const params = matchParts(pattern, parts);
      if (params === undefined) continue;
      if (route.method === method) return { route, params };
      otherMethods.push(route.method);
    }
    return { otherMethods };
  };
};

const matchParts = (pattern: readonly string[], parts: readonly string[]): Record<string, string> | undefined => {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const given = parts[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== given) return undefined;
      continue;
    }
    try {
      params[part.slice(1)] = decodeURIComponent(given);
    } catch {
      return undefined;
    }
  }
  return params;
};
