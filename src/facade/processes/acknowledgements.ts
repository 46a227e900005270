import type { Clock } from '../../base/clock.ts';
import type { DaemonTarget } from '../daemon/connections.ts';
import type { DaemonProcesses } from '../daemon/processes.ts';
import { ACKNOWLEDGE_EVERY_BYTES, READER_SILENCE_MS } from '../../sandboxd/protocol/names.ts';

/** Tells a daemon which output has been handed on, so that it keeps what has not for the time after a crash. */
export interface Acknowledgements {
  /** All before `cursor` has been handed on. */
  readonly upTo: (cursor: number) => void;
  readonly stop: () => void;
}

/**
 * Of one reader. One request at a time: what is handed on meanwhile goes with the next. One is sent now and then even
 * where nothing moves, so that a reader with a slow client is not taken for one that has gone. Failures are ignored:
 * the connection that is read says more.
 */
export const makeAcknowledgements = (
  { processes, clock }: { readonly processes: Pick<DaemonProcesses, 'acknowledge'>; readonly clock: Clock },
  { target, id, reader, cursor }: AcknowledgingReader,
): Acknowledgements => {
  const stopped = new AbortController();
  let reached = cursor;
  let acknowledged = cursor;
  let sending = false;

  const send = async (): Promise<void> => {
    sending = true;
    acknowledged = reached;
    await processes.acknowledge(target, id, { reader, cursor: reached }, stopped.signal).catch(() => undefined);
    sending = false;
    sendIfDue();
  };
  const sendIfDue = (): void => {
    if (!sending && !stopped.signal.aborted && reached - acknowledged >= ACKNOWLEDGE_EVERY_BYTES) void send();
  };
  const keepAlive = async (): Promise<void> => {
    try {
      for (;;) {
        await clock.sleep(READER_SILENCE_MS / 3, stopped.signal);
        if (!sending) await send();
      }
    } catch {
      // Stopped.
    }
  };
  void keepAlive();

  return {
    upTo: (now) => {
      reached = now;
      sendIfDue();
    },
    stop: () => stopped.abort(),
  };
};

interface AcknowledgingReader {
  readonly target: DaemonTarget;
  readonly id: string;
  /** The name it gave to the daemon. */
  readonly reader: string;
  readonly cursor: number;
}
