import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { match, type MatchFunction } from 'path-to-regexp';
import { noTracer } from '../base/tracer.ts';
import { requireAccess } from './access.ts';
import { clientIpOf } from './client-ip.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { endWithProblem } from './end-with-problem.ts';
import { parseInput } from './input-error.ts';
import { admit } from './middleware/authenticate.ts';
import { upgradePreview } from './ports/upgrade-preview.ts';
import { toResponse } from './middleware/answer-problems.ts';
import { describeServerSpan } from './middleware/trace-requests.ts';
import { problemError } from './problem.ts';
import { queryShape, readQuery } from './query.ts';
import { ClientGone, type RequestState } from './request-state.ts';
import type { UpgradeRoute } from './route.ts';
import { traceUpgrade } from './trace-upgrade.ts';

export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

interface Compiled {
  readonly route: UpgradeRoute;
  readonly matches: MatchFunction<Record<string, string | string[]>>;
}

/**
 * Requests that want to take over their connection. They are authenticated like any other, and refused by an ordinary
 * answer with problem details.
 */
export const makeUpgradeHandler = (
  dependencies: FacadeDependencies,
  routes: readonly UpgradeRoute[],
): UpgradeHandler => {
  const compiled: readonly Compiled[] = routes.map((route) => ({
    route,
    // What is not well-formed stays as it is.
    matches: match(route.path, { decode: decodeIfWellFormed }),
  }));
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const { tracer = noTracer } = dependencies;
    void traceUpgrade(tracer, request, socket, () => serve(dependencies, compiled, request, socket, head));
  };
};

/** Resolves with the status that was answered. Never rejects. */
const serve = async (
  dependencies: FacadeDependencies,
  routes: readonly Compiled[],
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<number> => {
  const state = openState(dependencies, request, socket);
  try {
    if (await upgradePreview(dependencies, { request, socket, head, state })) return SWITCHING_PROTOCOLS;
    const { pathname, search } = targetOf(request);
    for (const { route, matches } of routes) {
      const found = matches(pathname);
      if (found === false) continue;
      const params = Object.fromEntries(
        Object.entries(found.params).map(([name, value]) => [name, Array.isArray(value) ? value.join('/') : value]),
      );
      describeUpgrade(dependencies, request, {
        route: route.path,
        requestId: state.requestId,
        sandboxId: params['id'],
      });
      const { state: admitted } = await admit(dependencies, request, pathname, state);
      requireAccess(route.access, admitted.caller, params);
      const given = readQuery(search, queryShape(route.query));
      const query = route.query === undefined ? {} : parseInput(route.query, 'query', given);
      admitted.log.info({ method: 'UPGRADE', path: pathname, client_ip: admitted.clientIp }, 'request');
      await route.upgrade({ request, socket, head, params, query, state: admitted });
      return SWITCHING_PROTOCOLS;
    }
    throw problemError('not-found', `There is nothing to upgrade to at ${pathname}`);
  } catch (thrown) {
    if (thrown instanceof ClientGone || socket.destroyed) return SWITCHING_PROTOCOLS;
    refuseUpgrade(socket, thrown, state);
    return toResponse(thrown).problem.status;
  }
};

const SWITCHING_PROTOCOLS = 101;

const describeUpgrade = (
  dependencies: FacadeDependencies,
  { method = 'GET' }: IncomingMessage,
  facts: { readonly route: string; readonly requestId: string; readonly sandboxId: string | undefined },
): void => {
  const span = dependencies.tracer?.current();
  if (span !== undefined) describeServerSpan(span, dependencies, { ...facts, method });
};

const decodeIfWellFormed = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};

/** Not every path that the HTTP parser lets through is one of a URL: `//[` is none. */
const targetOf = ({ url = '/' }: IncomingMessage): URL => {
  const target = URL.parse(url, 'http://facade');
  if (target === null) throw problemError('not-found', `There is nothing to upgrade to at ${url}`);
  return target;
};

const openState = (
  { settings, random, log, shutdown }: FacadeDependencies,
  request: IncomingMessage,
  socket: Duplex,
): RequestState => {
  const requestId = random.hex(16);
  const gone = new AbortController();
  socket.once('close', () => gone.abort(new ClientGone()));
  return {
    requestId,
    clientIp: clientIpOf(request, settings.trustedProxies),
    sshPort: settings.ssh?.port ?? null,
    caller: { kind: 'anonymous' },
    over: gone.signal,
    signal: AbortSignal.any([gone.signal, shutdown]),
    log: log.child({ request_id: requestId }),
  };
};

/** Answers in place of the upgrade, and ends the connection. */
export const refuseUpgrade = (socket: Duplex, thrown: unknown, { requestId, log }: RequestState): void => {
  const response = toResponse(thrown);
  const { problem } = response;
  if (problem.status >= 500) log.error({ err: thrown, problem: problem.type }, problem.title);
  endWithProblem(socket, response, requestId);
};
