import type { KubeObject } from '../../src/api/meta.ts';
import type { KubeClient, ObjectRef } from '../../src/kube/client.ts';
import { isKubeError } from '../../src/kube/errors.ts';

/**
 * Resolves with the first state of an object after `resourceVersion` that `accept` holds for, at the moment the API
 * server tells of it; `undefined` stands for its deletion. Rejects when the signal is aborted.
 */
export const watchObject = async <T extends KubeObject>(
  kube: KubeClient,
  { type, namespace, name }: ObjectRef,
  resourceVersion: string,
  accept: (object: T | undefined) => boolean,
  signal: AbortSignal,
): Promise<T | undefined> => {
  const selection = {
    ...(namespace === undefined ? {} : { namespace }),
    fieldSelector: `metadata.name=${name}`,
    resourceVersion,
    timeoutSeconds: 600,
  };
  for await (const event of kube.watch<T>(type, selection, { signal, idleTimeoutMs: 600_000 })) {
    if (event.kind === 'bookmark') continue;
    if (event.kind === 'error') throw new Error(`the watch of ${type.kind} ${name} ended: ${event.message}`);
    const state = event.kind === 'deleted' ? undefined : event.object;
    if (accept(state)) return state;
  }
  signal.throwIfAborted();
  throw new Error(`the watch of ${type.kind} ${name} ended before it was over`);
};

/** Deletes it and waits until it is gone. What is gone already is no error. */
export const deleteObject = async (kube: KubeClient, ref: ObjectRef, signal: AbortSignal): Promise<void> => {
  try {
    const { metadata } = await kube.get(ref, { signal });
    await kube.delete(ref, { signal });
    await watchObject(kube, ref, metadata.resourceVersion ?? '', (object) => object === undefined, signal);
  } catch (error) {
    if (!isKubeError(error, 'NotFound')) throw error;
  }
};
