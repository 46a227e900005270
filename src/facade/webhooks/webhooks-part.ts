import { hostname } from 'node:os';
import type { Sandbox } from '../../api/sandbox.ts';
import type { Informer } from '../../runtime/informer.ts';
import { makeLeaderElector } from '../../runtime/leader-elector.ts';
import type { Part } from '../../runtime/manager.ts';
import { loopPart } from '../../runtime/parts.ts';
import type { Endpoint } from './endpoint.ts';
import type { EndpointWatch } from './endpoint-watch.ts';
import { makeSender, type Sender, type SenderDependencies } from './sender.ts';

export interface WebhooksOptions extends SenderDependencies {
  readonly systemNamespace: string;
  readonly informer: Pick<Informer<Sandbox>, 'onChange'>;
  readonly endpoints: EndpointWatch;
}

const LEASE = 'matrx-webhooks';

/**
 * Sends webhooks, from one of the facades at a time. Its states:
 *
 * - idle: there is no endpoint. → candidate, when there is one.
 * - candidate: another one sends, or the lease is being taken. → sender; → idle.
 * - sender: has the lease, and one Sender for each endpoint, made anew when its entry changes. → candidate when the lease
 *   is lost: messages under way are given up; the next one sends them again, with the same ids. → idle.
 */
export const webhooksPart = (options: WebhooksOptions): Part => {
  const senders = new Map<string, { readonly endpoint: Endpoint; readonly sender: Sender }>();
  options.informer.onChange(({ kind, object }) => {
    for (const { sender } of senders.values()) {
      if (kind === 'deleted') sender.noticeGone(object);
      else sender.notice(object);
    }
  });
  return loopPart('webhooks', async (signal) => {
    while (!signal.aborted) {
      if (options.endpoints.current().endpoints.length === 0) await options.endpoints.changed(signal);
      else await sendForATerm(options, senders, signal);
    }
  });
};

type Senders = Map<string, { readonly endpoint: Endpoint; readonly sender: Sender }>;

const sendForATerm = async (options: WebhooksOptions, senders: Senders, signal: AbortSignal): Promise<void> => {
  const { kube, clock, random, log, systemNamespace, runtimeMetrics, endpoints } = options;
  const term = new AbortController();
  const onStop = (): void => term.abort(signal.reason);
  signal.addEventListener('abort', onStop, { once: true });
  const elector = makeLeaderElector({
    client: kube,
    namespace: systemNamespace,
    name: LEASE,
    identity: `${hostname()}_${random.hex(4)}`,
    // A second sender for a moment means that a message may come twice, which its receiver has to bear anyway.
    onLost: (reason) => term.abort(new Error(reason)),
    clock,
    random,
    log,
    ...(runtimeMetrics === undefined ? {} : { metrics: runtimeMetrics }),
  });
  try {
    await elector.acquire(term.signal).catch((error: unknown) => {
      if (!term.signal.aborted) throw error;
    });
    while (!term.signal.aborted && endpoints.current().endpoints.length > 0) {
      await adopt(options, senders, endpoints.current().endpoints);
      await endpoints.changed(term.signal);
    }
  } finally {
    signal.removeEventListener('abort', onStop);
    await adopt(options, senders, []);
    await elector.release();
  }
};

/** Ends the senders of entries that are gone or have changed, and begins those of new ones. */
const adopt = async (options: WebhooksOptions, senders: Senders, wanted: readonly Endpoint[]): Promise<void> => {
  const stays = new Set(wanted.map(fingerprint));
  for (const [name, { endpoint, sender }] of senders) {
    if (stays.has(fingerprint(endpoint))) continue;
    senders.delete(name);
    await sender.stop();
  }
  for (const endpoint of wanted.filter(({ name }) => !senders.has(name))) {
    const sender = makeSender(options, endpoint);
    senders.set(endpoint.name, { endpoint, sender });
    sender.start();
    for (const sandbox of options.cache.list()) sender.notice(sandbox);
  }
};

const fingerprint = ({ name, url, keys, events, users, since }: Endpoint): string =>
  JSON.stringify([
    name,
    url.href,
    keys.map((key) => Buffer.from(key).toString('base64')),
    events === undefined ? null : [...events],
    users === undefined ? null : [...users],
    since,
  ]);
