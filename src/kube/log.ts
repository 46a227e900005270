import type { Caller } from './caller.ts';
import { toKubeError } from './caller.ts';
import type { LogOptions, LogTarget } from './client.ts';
import { collectionPath, queryString } from './resource-path.ts';
import { PODS } from './resource-types.ts';

/** KubeClient.log. */
export const openLog = async (
  caller: Caller,
  { namespace, pod, container }: LogTarget,
  { signal, ...options }: LogOptions,
): Promise<AsyncIterable<Uint8Array>> => {
  const path = `${collectionPath(PODS, namespace)}/${encodeURIComponent(pod)}/log`;
  const what = `GET ${path}`;
  const connection = new AbortController();
  const onAbort = (): void => connection.abort(signal?.reason);
  const forget = (): void => signal?.removeEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const read = async function* (body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* body;
    } catch (error) {
      throw toKubeError(what, error, signal);
    } finally {
      forget();
      // Ends the connection where the reader left the loop; after a regular end it does nothing.
      connection.abort();
    }
  };
  try {
    const call = { method: 'GET', path: path + queryString({ container, ...options }), accept: '*/*' } as const;
    // A container that prints nothing is answered nothing, not even a status, while it is followed.
    const answer = await caller.open(call, connection.signal, { unhurried: options.follow === true });
    return read(answer.body as AsyncIterable<Uint8Array>);
  } catch (error) {
    forget();
    throw toKubeError(what, error, signal);
  }
};
