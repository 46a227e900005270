import type { ObjectStore } from './object-store.ts';
import { putContent } from './put-content.ts';

/** Content-addressed objects on their way to the bucket. */
export interface Uploads {
  /**
   * Sends `body` in the background and calls `release` when its buffer is free. Nothing is sent twice, and what is
   * there already counts as sent. Throws what an earlier upload failed with, so that nobody reads on in vain.
   */
  readonly start: (key: string, sha256: string, body: Buffer, release: () => void) => void;
  /** Resolves when all are there; throws the first failure. */
  readonly finish: () => Promise<void>;
}

export interface UploadDeps {
  readonly store: ObjectStore;
  readonly prefix: string;
  readonly signal: AbortSignal | undefined;
  /** Keys below the prefix that are known to be in the bucket. */
  readonly present: { readonly has: (key: string) => boolean; readonly add: (key: string) => void };
}

export const makeUploads = ({ store, prefix, signal, present }: UploadDeps): Uploads => {
  const running = new Map<string, Promise<void>>();
  let failure: { readonly thrown: unknown } | undefined;

  const send = (key: string, sha256: string, body: Buffer): Promise<void> =>
    putContent(store, prefix + key, body, { sha256, ...(signal === undefined ? {} : { signal }) });

  const start: Uploads['start'] = (key, sha256, body, release) => {
    if (failure !== undefined || present.has(key) || running.has(key)) release();
    if (failure !== undefined) throw failure.thrown as Error;
    if (present.has(key) || running.has(key)) return;
    const upload = send(key, sha256, body)
      .then(() => present.add(key))
      .catch((thrown: unknown) => {
        failure ??= { thrown };
      })
      .finally(() => {
        running.delete(key);
        release();
      });
    running.set(key, upload);
  };

  const finish = async (): Promise<void> => {
    await Promise.all(running.values());
    if (failure !== undefined) throw failure.thrown as Error;
  };

  return { start, finish };
};
