import type { Clock } from '../../base/clock.ts';
import { ClientGone, type FacadeMiddleware } from '../request-state.ts';

/** What is logged for a request whose client left: nginx's word, as HTTP has none. */
const CLIENT_CLOSED_REQUEST = 499;

/** One line for each request, those that were refused as well. Never the query or a body: they may hold secrets. */
export const logAccess =
  (clock: Clock): FacadeMiddleware =>
  async (context, next) => {
    const startedAt = clock.monotonic();
    await next();
    const { log, signal } = context.state;
    const clientGone = signal.aborted && signal.reason instanceof ClientGone;
    log.info(
      {
        method: context.method,
        path: context.path,
        status: clientGone ? CLIENT_CLOSED_REQUEST : context.status,
        duration_ms: Math.round((clock.monotonic() - startedAt) * 10) / 10,
        client_ip: context.ip,
      },
      'request',
    );
  };
