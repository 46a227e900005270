import type { FacadeDependencies } from '../dependencies.ts';
import { ClientGone, type FacadeMiddleware } from '../request-state.ts';

/** What is logged for a request whose client left: nginx's word, as HTTP has none. */
const CLIENT_CLOSED_REQUEST = 499;

/** One line for each request, those that were refused as well. Never the query or a body: they may hold secrets. */
export const logAccess =
  ({ clock, onRequest }: Pick<FacadeDependencies, 'clock' | 'onRequest'>): FacadeMiddleware =>
  async (context, next) => {
    const startedAt = clock.monotonic();
    await next();
    const { clientIp, log, signal } = context.state;
    const clientGone = signal.aborted && signal.reason instanceof ClientGone;
    const status = clientGone ? CLIENT_CLOSED_REQUEST : context.status;
    const durationMs = clock.monotonic() - startedAt;
    const route: unknown = context['_matchedRoute'];
    onRequest?.({
      method: context.method,
      route: typeof route === 'string' ? route : 'none',
      status,
      seconds: durationMs / 1000,
    });
    log.info(
      {
        method: context.method,
        path: context.path,
        status,
        duration_ms: Math.round(durationMs * 10) / 10,
        client_ip: clientIp,
      },
      'request',
    );
  };
