import type { KubeObject } from '../api/meta.ts';
import { type Clock, systemClock } from '../base/clock.ts';
import type { Json } from '../base/json.ts';
import { noTracer, type Tracer } from '../base/tracer.ts';
import { type Call, makeCaller, type RequestReport } from './caller.ts';
import type { CallOptions, KubeClient, ListPage, ObjectRef, ResourceType, Subresource } from './client.ts';
import type { ClusterAccess } from './cluster-access.ts';
import { makeExec } from './exec.ts';
import { openLog } from './log.ts';
import { apiVersionOf, collectionPath, objectPath, queryString } from './resource-path.ts';
import { makeTransport } from './transport.ts';
import { watch } from './watch.ts';

export interface KubeClientOptions {
  /** From loadClusterAccess, or directAccess for a local server. */
  readonly access: ClusterAccess;
  readonly clock?: Clock;
  /** Milliseconds for each call, 30,000 unless given. Watches have their own timers. */
  readonly deadlineMs?: number;
  /** Waits for its turn before each request: makeTokenBucket. Without it there is no limit. */
  readonly admit?: (signal: AbortSignal) => Promise<void>;
  /** Told of each request when its status is known, for rest_client_requests_total. Must not throw. */
  readonly onRequest?: (report: RequestReport) => void;
  /** Named in the API server's audit log: `matrx-sandbox/controller`. */
  readonly userAgent?: string;
  /** How many calls may be under way at once; more wait for a connection within their deadline. 8 unless given. */
  readonly callConnections?: number;
  /**
   * Asked right before each request that writes, when it has had its turn: where it says no, the call fails (`Unreachable`)
   * and nothing is sent. A process that was stopped and goes on does so in the middle of whatever it was about.
   */
  readonly mayWrite?: () => boolean;
  /** Told of each call that is made within a span, but for watches, logs and exec; ./traced-call.ts. */
  readonly tracer?: Tracer;
}

interface RawList<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[] | null;
}

/** The Kubernetes client of every process. Opens no connection before the first call. */
export const makeKubeClient = (options: KubeClientOptions): KubeClient => {
  const clock = options.clock ?? systemClock;
  const deadlineMs = options.deadlineMs ?? 30_000;
  const transport = makeTransport({
    access: options.access,
    clock,
    userAgent: options.userAgent ?? 'matrx-sandbox',
    callConnections: options.callConnections ?? 8,
    mayWrite: options.mayWrite,
  });
  const { admit, onRequest, tracer = noTracer } = options;
  const caller = makeCaller({ transport, clock, deadlineMs, admit, onRequest, tracer });

  const send = <T>(call: Call, callOptions: CallOptions | undefined): Promise<T> =>
    caller.call<T>(call, callOptions?.signal);

  const patch = <T>(
    ref: ObjectRef,
    contentType: string,
    body: unknown,
    patchOptions: (CallOptions & PatchOptions) | undefined,
  ): Promise<T> => {
    const { subresource, fieldManager, force } = patchOptions ?? {};
    const path = objectPath(ref, subresource) + queryString({ fieldManager, force });
    return send({ method: 'PATCH', path, contentType, body: JSON.stringify(body) }, patchOptions);
  };

  return Object.freeze<KubeClient>({
    get: async (ref, callOptions) => send({ method: 'GET', path: objectPath(ref) }, callOptions),

    list: async <T extends KubeObject>(
      type: ResourceType,
      { namespace, ...query }: Parameters<KubeClient['list']>[1],
      callOptions?: CallOptions,
    ): Promise<ListPage<T>> => {
      const path = collectionPath(type, namespace) + queryString(query);
      const list = await send<RawList<T>>({ method: 'GET', path }, callOptions);
      return {
        // Built-in types leave kind and apiVersion out of a list's items, watches and gets do not: one shape for all.
        items: (list.items ?? []).map((item) => withType(type, item)),
        resourceVersion: list.metadata.resourceVersion ?? '',
        ...(list.metadata.continue ? { continue: list.metadata.continue } : {}),
      };
    },

    watch: (type, { namespace, ...query }, { signal, idleTimeoutMs }) =>
      watch(caller, clock, {
        path: collectionPath(type, namespace) + queryString({ watch: true, allowWatchBookmarks: true, ...query }),
        signal,
        idleTimeoutMs,
      }),

    create: async (type, namespace, object, createOptions) => {
      const { fieldManager, dryRun } = createOptions ?? {};
      const path =
        collectionPath(type, namespace) + queryString({ fieldManager, dryRun: dryRun === true ? 'All' : undefined });
      return send({ method: 'POST', path, ...json(withType(type, object)) }, createOptions);
    },

    replace: async (ref, object, replaceOptions) => {
      const path = objectPath(ref, replaceOptions?.subresource);
      return send({ method: 'PUT', path, ...json(withType(ref.type, object)) }, replaceOptions);
    },

    // JSON is YAML, and apply takes no other content type.
    apply: async (ref, object, applyOptions) =>
      patch(ref, 'application/apply-patch+yaml', withType(ref.type, object), applyOptions),

    mergePatch: async (ref, body: Json, patchOptions) => patch(ref, 'application/merge-patch+json', body, patchOptions),

    jsonPatch: async (ref, operations, patchOptions) =>
      patch(ref, 'application/json-patch+json', operations, patchOptions),

    delete: async (ref, deleteOptions) => {
      const { uid, resourceVersion, gracePeriodSeconds } = deleteOptions ?? {};
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        gracePeriodSeconds,
        ...((uid !== undefined || resourceVersion !== undefined) && { preconditions: { uid, resourceVersion } }),
      };
      await send({ method: 'DELETE', path: objectPath(ref), ...json(body) }, deleteOptions);
    },

    exec: makeExec({ server: options.access.server, credentials: transport.credentials, clock }),

    log: (target, logOptions) => openLog(caller, target, logOptions),

    close: transport.close,
  });
};

interface PatchOptions {
  readonly subresource?: Subresource;
  readonly fieldManager?: string;
  readonly force?: boolean;
}

const json = (body: unknown): { readonly contentType: string; readonly body: string } => ({
  contentType: 'application/json',
  body: JSON.stringify(body),
});

const withType = <T extends KubeObject>(type: ResourceType, object: T): T => ({
  apiVersion: apiVersionOf(type),
  kind: type.kind,
  ...object,
});
