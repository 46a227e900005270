import type { KubeObject } from '../api/meta.ts';
import type { Clock } from '../base/clock.ts';
import { FINISHED } from '../base/deadline.ts';
import { type Caller, toKubeError } from './caller.ts';
import type { WatchEvent } from './client.ts';
import { KubeError } from './errors.ts';
import { makeLineSplitter } from './json-lines.ts';
import { parseWatchEvent } from './watch-event.ts';

export interface WatchRequest {
  readonly path: string;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds without a single byte after which the connection is taken for dead. */
  readonly idleTimeoutMs: number;
}

/**
 * One watch, as KubeClient.watch promises. A connection that was accepted and then says nothing for ever (a lost NAT
 * entry, a frozen server) is found by the idle timer; bookmarks make sure that a live one is never that quiet.
 */
export async function* watch<T extends KubeObject>(
  caller: Caller,
  clock: Clock,
  request: WatchRequest,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  const { path, signal, idleTimeoutMs } = request;
  if (isAborted(signal)) return;
  const connection = new AbortController();
  const onAbort = (): void => connection.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const idle = watchForSilence(clock, idleTimeoutMs, connection);
  try {
    const answer = await caller.open({ method: 'GET', path }, connection.signal);
    const splitter = makeLineSplitter();
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      idle.touch();
      for (const line of splitter.push(chunk)) yield parseWatchEvent<T>(line);
    }
    if (splitter.pending() > 0) {
      throw new KubeError('Unreachable', `GET ${path}: the connection was cut in the middle of an event`);
    }
  } catch (error) {
    if (isAborted(signal)) return;
    if (idle.expired()) {
      throw new KubeError('Timeout', `GET ${path}: nothing came for ${idleTimeoutMs} ms`, { cause: error });
    }
    throw toKubeError(`GET ${path}`, error, undefined);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    idle.stop();
    // Ends the connection where the consumer left the loop; after a regular end it does nothing.
    connection.abort(FINISHED);
  }
}

/** A call, so that the compiler does not take the first answer for the last. */
const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** Aborts `connection` after `ms` without `touch`. One sleeping loop instead of a timer set again at each chunk. */
const watchForSilence = (
  clock: Clock,
  ms: number,
  connection: AbortController,
): { readonly touch: () => void; readonly expired: () => boolean; readonly stop: () => void } => {
  const stopped = new AbortController();
  let last = clock.monotonic();
  let expired = false;
  const run = async (): Promise<void> => {
    for (let left = ms; left > 0; left = last + ms - clock.monotonic()) await clock.sleep(left, stopped.signal);
    expired = true;
    connection.abort(new Error('idle'));
  };
  run().catch(() => undefined);
  return { touch: () => (last = clock.monotonic()), expired: () => expired, stop: () => stopped.abort(FINISHED) };
};
