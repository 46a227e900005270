/**
 * The one door to S3, as the engine needs it. Implemented by ./s3/ on @aws-sdk/client-s3. Keys are whole keys in the
 * bucket. Every call retries what is safe to retry and ends by its own deadline; what fails is a StoreError.
 */
export interface ObjectStore {
  /** What people call it in messages: `s3://bucket`. */
  readonly name: string;
  /** Throws StoreError `NotFound` where there is none. `range` is [first byte, last byte]. */
  readonly get: (key: string, options?: GetOptions) => Promise<StoredObject>;
  /**
   * One atomic PUT. `Exists` on ifNoneMatch (it may be this call's own object, whose answer was lost), `Changed` on
   * ifMatch; `Ambiguous` when a compare-and-swap may or may not have happened: it is never repeated.
   */
  readonly put: (key: string, body: Uint8Array, options?: PutOptions) => Promise<{ readonly etag: string }>;
  readonly list: (prefix: string, signal?: AbortSignal) => AsyncIterable<ListedObject>;
  readonly delete: (keys: readonly string[], signal?: AbortSignal) => Promise<void>;
  /**
   * Every version and delete marker of every key, of a bucket without versions its objects. Those yielded may be deleted
   * meanwhile. Nothing where the server does not know the request: it keeps no versions.
   */
  readonly listVersions: (prefix: string, signal?: AbortSignal) => AsyncIterable<ListedVersion>;
  /** For good: nothing brings these back. `Forbidden` where the credentials may do no more than `delete`. */
  readonly deleteVersions: (versions: readonly ObjectVersion[], signal?: AbortSignal) => Promise<void>;
  /** Requests sent so far, by S3 operation: what a commit costs. */
  readonly requests: () => Readonly<Record<string, number>>;
  readonly close: () => void;
}

export interface GetOptions {
  readonly range?: readonly [number, number];
  /** About how many bytes are expected, where it is known: the deadline of an attempt grows with it. */
  readonly expectedBytes?: number;
  /** Where the body goes if it fits: `body` is then a view of it. Saves allocating megabytes again and again. */
  readonly into?: Buffer;
  readonly signal?: AbortSignal;
}

export interface PutOptions {
  /** Only if the object's ETag is this. */
  readonly ifMatch?: string;
  /** Only if there is no object of this key. */
  readonly ifNoneMatch?: true;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The body's SHA-256 in hex where the caller knows it: it is sent as the checksum S3 verifies. */
  readonly sha256?: string;
  readonly signal?: AbortSignal;
}

export interface StoredObject {
  readonly body: Buffer;
  readonly etag: string;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly lastModified: number;
}

export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
}

export interface ListedVersion extends ObjectVersion {
  /** A delete marker: the key has no object while this is its newest version. */
  readonly isMarker: boolean;
}

export type StoreErrorReason =
  | 'NotFound'
  | 'BucketNotFound'
  | 'Forbidden'
  | 'Exists'
  | 'Changed'
  | 'Ambiguous'
  | 'Unreachable'
  | 'Corrupt'
  | 'Aborted'
  | 'Failed';

/** An S3 request that did not succeed. `message` names the bucket, the key, the operation and what S3 said. */
export class StoreError extends Error {
  readonly reason: StoreErrorReason;
  /** The S3 permission the operation needs, for example `s3:PutObject`. */
  readonly permission: string;

  constructor(reason: StoreErrorReason, permission: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'StoreError';
    this.reason = reason;
    this.permission = permission;
  }
}

export const isStoreError = (thrown: unknown, ...reasons: readonly StoreErrorReason[]): thrown is StoreError =>
  thrown instanceof StoreError && (reasons.length === 0 || reasons.includes(thrown.reason));
