import type { Span, Tracer } from '../../base/tracer.ts';
import { parseTraceparent } from '../../base/traceparent.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { readPreviewHost } from '../ports/preview-host.ts';
import { ClientGone, type FacadeContext, type FacadeMiddleware } from '../request-state.ts';

/** As in the log, where a client left before it was answered; one that leaves a stream has been. */
const CLIENT_CLOSED_REQUEST = 499;
/** Others could be anything that a client makes up. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/**
 * One server span for each request, by OpenTelemetry's conventions for HTTP, below the one that the client names in
 * `traceparent`. It ends with the answer: a stream's with the stream. Never the path, the query, a header or a body:
 * they hold names of files, keys and whatever people write.
 */
export const traceRequests =
  (tracer: Tracer, dependencies: Pick<FacadeDependencies, 'cache' | 'settings'>): FacadeMiddleware =>
  async (context, next) => {
    const span = openServerSpan(tracer, context.method, context.get('traceparent'));
    try {
      await span.run(() => next());
    } finally {
      describe(span, dependencies, context);
      const { signal } = context.state as Partial<FacadeContext['state']>;
      const end = (): void => {
        const isGone = !context.res.headersSent && signal?.aborted === true && signal.reason instanceof ClientGone;
        endServerSpan(span, isGone ? CLIENT_CLOSED_REQUEST : context.status);
      };
      if (context.res.closed) end();
      else context.res.once('close', end);
    }
  };

export const openServerSpan = (tracer: Tracer, method: string, traceparent: string | undefined): Span => {
  const known = METHODS.has(method) ? method : '_OTHER';
  return tracer.open(known === '_OTHER' ? 'HTTP' : known, {
    kind: 'server',
    parent: { place: parseTraceparent(traceparent) },
    attributes: { 'http.request.method': known },
  });
};

export const endServerSpan = (span: Span, status: number): void => {
  span.note({ 'http.response.status_code': status });
  span.end(status >= 500 ? String(status) : undefined);
};

/** The route's pattern and never the path, and about which sandbox of whom it was. */
export const describeServerSpan = (
  span: Span,
  { cache }: Pick<FacadeDependencies, 'cache'>,
  { method, route, requestId, sandboxId }: ServerSpanFacts,
): void => {
  if (route !== undefined) span.rename(`${method} ${route}`);
  const found = sandboxId === undefined ? undefined : cache.get(sandboxId);
  span.note({
    'http.route': route,
    request_id: requestId,
    ...(found === undefined ? {} : { sandbox_id: found.metadata.name, user_id: found.spec.userId }),
  });
};

interface ServerSpanFacts {
  readonly method: string;
  readonly route: string | undefined;
  readonly requestId: string | undefined;
  readonly sandboxId: string | undefined;
}

const describe = (
  span: Span,
  { cache, settings }: Pick<FacadeDependencies, 'cache' | 'settings'>,
  context: FacadeContext,
): void => {
  const route: unknown = context['_matchedRoute'];
  const { params } = context as { readonly params?: Readonly<Record<string, string>> };
  const preview = readPreviewHost(context.get('host'), settings.previewDomain);
  describeServerSpan(
    span,
    { cache },
    {
      method: context.method,
      route: typeof route === 'string' ? route : undefined,
      requestId: (context.state as Partial<FacadeContext['state']>).requestId,
      sandboxId: preview.kind === 'preview' ? preview.sandbox : params?.['id'],
    },
  );
};
