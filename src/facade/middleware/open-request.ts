import { clientIpOf } from '../client-ip.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { problemError } from '../problem.ts';
import { ClientGone, type FacadeMiddleware } from '../request-state.ts';

/** What a client may choose as its request's id: nothing that needs quoting in a header or a log. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** Gives each request an id (the client's own, if it sent a fit one), a signal that ends its work, and a log. */
export const openRequest =
  ({
    settings,
    random,
    log,
    shutdown,
  }: Pick<FacadeDependencies, 'settings' | 'random' | 'log' | 'shutdown'>): FacadeMiddleware =>
  async (context, next) => {
    const given = context.get('x-request-id');
    const requestId = REQUEST_ID.test(given) ? given : random.hex(16);
    const ended = new AbortController();
    const over = new AbortController();
    const onClose = (): void => {
      over.abort();
      if (!context.res.writableFinished) ended.abort(new ClientGone());
    };
    const onShutdown = (): void =>
      ended.abort(problemError('shutting-down', 'This server is shutting down; ask again, another one answers'));
    context.res.once('close', onClose);
    shutdown.addEventListener('abort', onShutdown, { once: true });
    if (shutdown.aborted) onShutdown();
    context.state = {
      requestId,
      clientIp: clientIpOf(context.req, settings.trustedProxies),
      sshPort: settings.ssh?.port ?? null,
      caller: { kind: 'anonymous' },
      over: over.signal,
      signal: ended.signal,
      log: log.child({ request_id: requestId }),
    };
    context.set('X-Request-Id', requestId);
    context.set('X-Content-Type-Options', 'nosniff');
    context.set('Cache-Control', 'no-store');
    try {
      await next();
    } finally {
      shutdown.removeEventListener('abort', onShutdown);
    }
  };
