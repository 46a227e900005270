import type { Sandbox } from '../../api/sandbox.ts';
import { FIELD_MANAGER_FACADE } from '../../api/names.ts';
import { backoffDelay } from '../../base/backoff.ts';
import { withDeadline } from '../../base/deadline.ts';
import { errorMessage } from '../../base/errors.ts';
import { isKubeError } from '../../kube/errors.ts';
import { SANDBOXES } from '../../kube/resource-types.ts';
import { type Controller, makeController, type ReconcileResult } from '../../runtime/controller.ts';
import type { RuntimeMetrics } from '../../runtime/metrics.ts';
import type { FacadeDependencies, FacadeSettings } from '../dependencies.ts';
import { representSandbox } from '../representation.ts';
import { type Delivered, deliveredAnnotation, deliveredOf, dueEvents, GIVE_UP_MS } from './delivered.ts';
import type { Endpoint } from './endpoint.ts';
import type { LifeEvent } from './life-events.ts';
import { postMessage } from './post.ts';
import { signatureHeaders } from './signature.ts';
import type { Lookup } from './target.ts';
import type { WebhookMetrics } from './webhook-metrics.ts';

export interface SenderDependencies extends Pick<FacadeDependencies, 'kube' | 'cache' | 'clock' | 'random' | 'log'> {
  readonly settings: Pick<FacadeSettings, 'namespace' | 'ssh'> & { readonly webhookAllowedHosts: readonly string[] };
  readonly metrics: WebhookMetrics;
  readonly runtimeMetrics?: RuntimeMetrics;
  readonly lookup?: Lookup;
}

/** Tells one endpoint of everything that happens, in its own time: a slow one keeps no other waiting. */
export interface Sender {
  /** Something about it may be new. */
  readonly notice: (sandbox: Sandbox) => void;
  /** It is gone; what was not told of it yet is told from memory. */
  readonly noticeGone: (sandbox: Sandbox) => void;
  readonly start: () => void;
  readonly stop: () => Promise<void>;
}

interface Failure {
  /** Of the event. */
  readonly id: string;
  readonly attempts: number;
  /** Monotonic. */
  readonly notBefore: number;
}

const WORKERS = 4;
const ATTEMPT_MS = 15_000;
const STOP_MS = 5000;
/** 5 s, 10 s, 20 s … an hour; some thirty attempts in the day after which an event is given up. */
const BACKOFF = { baseMs: 5000, maxMs: 3600_000 } as const;
/** Of so many that are gone is remembered what has not been told. */
const MAX_GONE = 10_000;

export const makeSender = (dependencies: SenderDependencies, endpoint: Endpoint): Sender => {
  const { kube, cache, clock, random, metrics, runtimeMetrics, settings } = dependencies;
  const log = dependencies.log.child({ webhook: endpoint.name });
  /** What was delivered and may not be in the cache yet, or could not be written down: it is not sent again for that. */
  const told = new Map<string, Delivered>();
  const gone = new Map<string, Sandbox>();
  /**
   * Those that have failed so far. The queue's own delays would not do: every other change of the Sandbox pulls its key
   * forward, and a sandbox that works changes every few seconds.
   */
  const failing = new Map<string, Failure>();
  let isRefused = false;

  const sandboxOf = (key: string): { readonly sandbox: Sandbox; readonly isGone: boolean } | undefined => {
    const departed = gone.get(key);
    if (departed !== undefined) return { sandbox: departed, isGone: true };
    const sandbox = cache.get(key.slice(0, key.indexOf('/')));
    return sandbox === undefined || keyOf(sandbox) !== key ? undefined : { sandbox, isGone: false };
  };

  const reconcile = async (key: string, signal: AbortSignal): Promise<ReconcileResult> => {
    const found = sandboxOf(key);
    if (found === undefined || isRefused) return forget(key);
    const waitMs = (failing.get(key)?.notBefore ?? 0) - clock.monotonic();
    if (waitMs > 0) return { kind: 'requeueAfter', ms: waitMs };
    const { sandbox, isGone } = found;
    const delivered = { ...deliveredOf(sandbox, endpoint), ...told.get(key) };
    const due = dueEvents(sandbox, endpoint, delivered, { now: clock.now(), isGone });
    tellGivenUp(key, due);
    for (const event of due) {
      const retryAfterMs = await deliver(sandbox, event, signal);
      if (isRefused) return forget(key);
      if (retryAfterMs !== undefined) return { kind: 'requeueAfter', ms: fail(key, event, retryAfterMs) };
      failing.delete(key);
      told.set(key, { ...told.get(key), [event.slot]: event.marker });
    }
    const after = { ...delivered, ...told.get(key) };
    if (!isGone && JSON.stringify(after) !== JSON.stringify(deliveredOf(sandbox, endpoint))) {
      await remember(sandbox, after, signal);
    }
    return forget(key);
  };

  /** Nothing is open about it: what the Sandbox remembers is enough from here on. */
  const forget = (key: string): ReconcileResult => {
    gone.delete(key);
    told.delete(key);
    failing.delete(key);
    return { kind: 'done' };
  };

  /** Milliseconds until it is tried again. */
  const fail = (key: string, { id }: LifeEvent, retryAfterMs: number): number => {
    const before = failing.get(key);
    const attempts = before?.id === id ? before.attempts + 1 : 1;
    const ms = Math.max(backoffDelay(BACKOFF, attempts - 1, random), Math.min(retryAfterMs, BACKOFF.maxMs));
    failing.set(key, { id, attempts, notBefore: clock.monotonic() + ms });
    return ms;
  };

  const tellGivenUp = (key: string, due: readonly LifeEvent[]): void => {
    const failure = failing.get(key);
    if (failure === undefined || due.some(({ id }) => id === failure.id)) return;
    failing.delete(key);
    metrics.givenUp(endpoint.name);
    log.error(
      { message_id: failure.id, attempts: failure.attempts, hours: GIVE_UP_MS / 3600_000 },
      'a webhook is given up: its endpoint has not taken it',
    );
  };

  /** Undefined where it was taken; otherwise after how many milliseconds the receiver wants it again, 0 where it did not say. */
  const deliver = async (sandbox: Sandbox, event: LifeEvent, signal: AbortSignal): Promise<number | undefined> => {
    const timestamp = Math.floor(clock.now() / 1000);
    const body = JSON.stringify({
      type: event.type,
      timestamp: event.at,
      data: representSandbox(sandbox, settings.ssh?.port ?? null),
    });
    const startedAt = clock.monotonic();
    const fields = {
      sandbox_id: sandbox.metadata.name,
      user_id: sandbox.spec.userId,
      type: event.type,
      message_id: event.id,
    };
    try {
      const what = `the post of ${event.type} to ${endpoint.name}`;
      const { status, retryAfterMs = 0 } = await withDeadline(clock, { what, ms: ATTEMPT_MS, signal }, (inner) =>
        postMessage({
          url: endpoint.url,
          headers: {
            'user-agent': 'matrx-sandbox-webhooks',
            ...signatureHeaders({ id: event.id, timestamp, body }, endpoint.keys),
          },
          body,
          signal: inner,
          allowedHosts: settings.webhookAllowedHosts,
          ...(dependencies.lookup === undefined ? {} : { lookup: dependencies.lookup }),
        }),
      );
      const isTaken = status >= 200 && status < 300;
      metrics.attempted(endpoint.name, isTaken ? 'delivered' : 'refused', (clock.monotonic() - startedAt) / 1000);
      if (isTaken) log.info({ ...fields, status }, 'webhook delivered');
      else log.warn({ ...fields, status }, 'webhook not taken');
      if (status === 410) refuse();
      return isTaken ? undefined : retryAfterMs;
    } catch (error) {
      signal.throwIfAborted();
      metrics.attempted(endpoint.name, 'failed', (clock.monotonic() - startedAt) / 1000);
      log.warn({ ...fields, reason: errorMessage(error) }, 'webhook not sent');
      return 0;
    }
  };

  /** 410 Gone: the receiver wants nothing any more, until somebody writes the endpoint anew. */
  const refuse = (): void => {
    isRefused = true;
    log.error({}, 'the endpoint has answered 410: nothing is sent to it until its entry is written anew');
  };

  const remember = async (sandbox: Sandbox, delivered: Delivered, signal: AbortSignal): Promise<void> => {
    const { name, uid } = sandbox.metadata;
    const annotations = { [deliveredAnnotation(endpoint)]: JSON.stringify(delivered) };
    try {
      const patched = await kube.mergePatch<Sandbox>(
        { type: SANDBOXES, namespace: settings.namespace, name },
        { metadata: { ...(uid === undefined ? {} : { uid }), annotations } },
        { fieldManager: FIELD_MANAGER_FACADE, signal },
      );
      cache.put(patched);
    } catch (error) {
      // Gone, or another of the same name: there is nothing left to remember.
      if (!isKubeError(error, 'NotFound', 'Conflict')) throw error;
    }
  };

  const controller: Controller = makeController({
    name: `webhook ${endpoint.name}`,
    reconcile: (key, { signal }) => reconcile(key, signal),
    clock,
    random,
    log,
    ...(runtimeMetrics === undefined ? {} : { metrics: runtimeMetrics }),
    workers: WORKERS,
  });

  return {
    notice: (sandbox) => controller.enqueue(keyOf(sandbox)),
    noticeGone: (sandbox) => {
      const key = keyOf(sandbox);
      gone.set(key, sandbox);
      if (gone.size > MAX_GONE) gone.delete(gone.keys().next().value ?? '');
      controller.enqueue(key);
    },
    start: controller.start,
    stop: () => controller.stop(STOP_MS),
  };
};

/** A name that is used again is another sandbox. */
const keyOf = ({ metadata: { name, uid } }: Sandbox): string => `${name}/${uid ?? ''}`;
