import type { Json } from '../base/json.ts';
import type { KubeObject } from '../api/meta.ts';

export type { KubeObject } from '../api/meta.ts';

/** A kind of resource: what its path is made of. */
export interface ResourceType {
  /** `''` for core. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** One object. `namespace` is required for namespaced types. */
export interface ObjectRef {
  readonly type: ResourceType;
  readonly namespace?: string;
  readonly name: string;
}

export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListPage<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Pass it back as `continue`; absent on the last page. */
  readonly continue?: string;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly kind: 'added' | 'modified' | 'deleted'; readonly object: T }
  | { readonly kind: 'bookmark'; readonly resourceVersion: string }
  /** The server ended the watch with a Status; 410 means the resource version is too old. */
  | { readonly kind: 'error'; readonly code: number; readonly reason: string; readonly message: string };

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test';
  readonly path: string;
  readonly value?: Json;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export type Subresource = 'status';

/** Deletes only what the caller has seen. */
export interface DeleteOptions extends CallOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
}

/**
 * The one door to Kubernetes: raw JSON in and out. Each verb either resolves with what the server answered or throws a
 * KubeError (./errors.ts), whose `reason` is a closed set. No verb retries but where its comment says so; the caller
 * decides. Each call has a deadline of its own (30 s unless configured), and ends at once when `signal` is aborted.
 */
export interface KubeClient {
  readonly get: <T extends KubeObject>(ref: ObjectRef, options?: CallOptions) => Promise<T>;
  readonly list: <T extends KubeObject>(
    type: ResourceType,
    selection: Selection & { readonly limit?: number; readonly continue?: string; readonly resourceVersion?: string },
    options?: CallOptions,
  ) => Promise<ListPage<T>>;
  /**
   * Yields events until the server ends the watch, the connection is cut (throws a KubeError), nothing at all has come
   * for `idleTimeoutMs` (throws, reason `Timeout`) or `signal` is aborted (ends without an error).
   */
  readonly watch: <T extends KubeObject>(
    type: ResourceType,
    selection: Selection & { readonly resourceVersion: string; readonly timeoutSeconds: number },
    options: CallOptions & { readonly idleTimeoutMs: number },
  ) => AsyncIterable<WatchEvent<T>>;
  readonly create: <T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    object: T,
    options?: CallOptions & { readonly fieldManager?: string; readonly dryRun?: boolean },
  ) => Promise<T>;
  /** PUT: the object's resourceVersion, when given, is a precondition (409 Conflict). */
  readonly replace: <T extends KubeObject>(
    ref: ObjectRef,
    object: T,
    options?: CallOptions & { readonly subresource?: Subresource },
  ) => Promise<T>;
  /** Server-side apply. */
  readonly apply: <T extends KubeObject>(
    ref: ObjectRef,
    object: T,
    options: CallOptions & {
      readonly fieldManager: string;
      readonly force?: boolean;
      readonly subresource?: Subresource;
    },
  ) => Promise<T>;
  /** RFC 7386. A `metadata.resourceVersion` in the patch is a precondition. */
  readonly mergePatch: <T extends KubeObject>(
    ref: ObjectRef,
    patch: Json,
    options?: CallOptions & { readonly subresource?: Subresource; readonly fieldManager?: string },
  ) => Promise<T>;
  /** RFC 6902. A failed `test` is a KubeError with reason `Invalid`. */
  readonly jsonPatch: <T extends KubeObject>(
    ref: ObjectRef,
    patch: readonly JsonPatchOperation[],
    options?: CallOptions & { readonly subresource?: Subresource; readonly fieldManager?: string },
  ) => Promise<T>;
  /** Resolves when the server has accepted the deletion; NotFound is an error like any other. */
  readonly delete: (ref: ObjectRef, options?: DeleteOptions) => Promise<void>;
  /** Runs a command in a container (pods/exec). For short commands: output is buffered up to `maxBytes` a stream. */
  readonly exec: (target: ExecTarget, options: ExecOptions) => Promise<ExecResult>;
  /**
   * What a container has printed (pods/log), as bytes. Resolves when the server begins to answer, which with `follow` is
   * no earlier than the container's first output: there is no deadline for that, only `signal`. Leaving the loop ends the
   * connection; a connection that is cut makes it throw a KubeError.
   */
  readonly log: (target: LogTarget, options: LogOptions) => Promise<AsyncIterable<Uint8Array>>;
  /** Closes every connection. */
  readonly close: () => Promise<void>;
}

export interface LogTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface LogOptions extends CallOptions {
  /** The last so many lines. */
  readonly tailLines?: number;
  /** RFC 3339; nothing older. */
  readonly sinceTime?: string;
  /** Goes on with what the container prints from now on, until it ends. */
  readonly follow?: boolean;
  /** Each line begins with its time, RFC 3339. */
  readonly timestamps?: boolean;
  /** The server ends after so many bytes. */
  readonly limitBytes?: number;
}

export interface ExecTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly stdin?: string;
}

export interface ExecOptions extends CallOptions {
  /** Milliseconds after which the connection is dropped (reason `Timeout`). */
  readonly timeoutMs: number;
  /** Each of stdout and stderr is cut after so many bytes. */
  readonly maxBytes: number;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly truncated: boolean;
}
