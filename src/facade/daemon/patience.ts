import type { Clock } from '../../base/clock.ts';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import {
  type DaemonConnections,
  type DaemonRequestOptions,
  type DaemonTarget,
  DaemonUnreachable,
} from './connections.ts';

/** How long a refused connection is tried again, in milliseconds: a daemon listens some 100 ms after its container started. */
const PATIENCE_MS = 2000;
const PAUSE_MS = 50;
/** Pods that are remembered. */
const MAX_KNOWN = 10_000;

/**
 * DaemonConnections that wait a moment for a daemon that has only just started, so that a sandbox takes requests from
 * the first moment on. For each pod (by its uid) they keep whether a daemon has ever answered:
 *
 * - unknown: a refused connection is tried again until the patience is over. An answer makes it `present`, the end of
 *   the patience `absent`. Both for good, as a pod's image does not change.
 * - absent: an image without the daemon. One try and no waiting; an answer makes it `present` after all.
 * - present: a refused connection means that its container is starting again: waits as with `unknown`, and what it
 *   throws then does not say `refused`, which would look like an image without a daemon.
 */
export const makePatientConnections = (connections: DaemonConnections, clock: Clock): DaemonConnections => {
  const known = new Map<string, 'present' | 'absent'>();
  const learn = ({ podUid }: DaemonTarget, state: 'present' | 'absent'): void => {
    if (known.get(podUid) === state) return;
    known.set(podUid, state);
    if (known.size > MAX_KNOWN) known.delete(known.keys().next().value ?? '');
  };

  const attempt = async <T>(target: DaemonTarget, signal: AbortSignal, open: () => Promise<T>): Promise<T> => {
    const before = known.get(target.podUid);
    const giveUpAt = clock.monotonic() + (before === 'absent' ? 0 : PATIENCE_MS);
    for (;;) {
      try {
        const opened = await open();
        learn(target, 'present');
        return opened;
      } catch (error) {
        if (error instanceof DaemonError) learn(target, 'present');
        if (!(error instanceof DaemonUnreachable) || !error.refused) throw error;
        if (clock.monotonic() >= giveUpAt) {
          if (before === 'present') throw new DaemonUnreachable(target, new Error('it is starting again'));
          learn(target, 'absent');
          throw error;
        }
      }
      await clock.sleep(PAUSE_MS, signal);
    }
  };

  return {
    request: async (target, options) => {
      if (!hasStream(options)) return attempt(target, options.signal, () => connections.request(target, options));
      // A stream can be sent once: whether anybody is there is asked before.
      if (known.get(target.podUid) !== 'present')
        await attempt(target, options.signal, () => ask(target, options.signal));
      return connections.request(target, options);
    },
    tunnel: (target, options) => attempt(target, options.signal, () => connections.tunnel(target, options)),
    close: connections.close,
  };

  async function ask(target: DaemonTarget, signal: AbortSignal): Promise<void> {
    (await connections.request(target, { method: 'GET', path: '/health', signal })).resume();
  }
};

const hasStream = ({ body }: DaemonRequestOptions): boolean => body !== undefined && 'stream' in body;
