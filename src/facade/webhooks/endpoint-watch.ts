import type { KubeObject } from '../../api/meta.ts';
import { SECRETS } from '../../kube/resource-types.ts';
import { type Informer, type InformerOptions, makeInformer } from '../../runtime/informer.ts';
import { keyOf } from '../../runtime/object-key.ts';
import type { RuntimeLog } from '../../runtime/log.ts';
import { type Endpoints, parseEndpoints, WEBHOOKS_SECRET } from './endpoint.ts';

export interface WebhooksSecret extends KubeObject {
  /** Base64 by entry. */
  readonly data?: Readonly<Record<string, string>>;
}

export const makeWebhooksInformer = (
  options: Omit<InformerOptions<WebhooksSecret, never>, 'type' | 'selection'> & { readonly systemNamespace: string },
): Informer<WebhooksSecret> =>
  makeInformer<WebhooksSecret>({
    ...options,
    type: SECRETS,
    selection: { namespace: options.systemNamespace, fieldSelector: `metadata.name=${WEBHOOKS_SECRET}` },
  });

/** Where events are to be sent now, with what an entry's text was, so that a change of it is seen. */
export interface EndpointWatch {
  readonly current: () => Endpoints;
  /** Resolves at the next change, or when `signal` aborts. */
  readonly changed: (signal: AbortSignal) => Promise<void>;
}

export const watchEndpoints = (
  informer: Pick<Informer<WebhooksSecret>, 'store' | 'onChange'>,
  { systemNamespace, log }: { readonly systemNamespace: string; readonly log: RuntimeLog },
): EndpointWatch => {
  let current: Endpoints = { endpoints: [], faults: [] };
  let next = Promise.withResolvers<void>();
  informer.onChange(() => {
    current = parseEndpoints(informer.store.get(keyOf(systemNamespace, WEBHOOKS_SECRET))?.data ?? {});
    log.info({ endpoints: current.endpoints.map(({ name }) => name) }, 'webhook endpoints were read');
    for (const fault of current.faults) {
      log.error({ secret: WEBHOOKS_SECRET }, `a webhook endpoint is wrong and is told nothing: ${fault}`);
    }
    next.resolve();
    next = Promise.withResolvers();
  });
  return {
    current: () => current,
    changed: async (signal) => {
      if (signal.aborted) return;
      const aborted = Promise.withResolvers<void>();
      const onAbort = (): void => aborted.resolve();
      signal.addEventListener('abort', onAbort, { once: true });
      await Promise.race([next.promise, aborted.promise]);
      signal.removeEventListener('abort', onAbort);
    },
  };
};
