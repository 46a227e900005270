import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import type { HealthCheck } from './health.ts';
import type { RuntimeLog } from './log.ts';

/** A part of a process: the HTTP server, the caches, the leader election, the controllers. */
export interface Part {
  readonly name: string;
  /** Resolves when the part does its work. Rejects at once when `signal` is aborted: the process stops while it starts. */
  readonly start: (context: PartContext) => Promise<void>;
  /** Called once if `start` was called, even where that failed. */
  readonly stop: () => Promise<void>;
}

export interface PartContext {
  readonly signal: AbortSignal;
  /** Reports later that the part cannot go on: the process stops in order, with exit code 1. */
  readonly fail: (error: unknown) => void;
}

/** Calls `listener` for each SIGTERM and SIGINT; returns how to stop that. */
export type SignalSource = (listener: (name: string) => void) => () => void;

export interface ManagerOptions {
  /** In the order of their start; they stop in the reverse order. */
  readonly parts: readonly Part[];
  readonly signals: SignalSource;
  readonly clock: Clock;
  readonly log: RuntimeLog;
  /** Milliseconds for all parts to stop; 30,000 unless given, what kubelet grants. */
  readonly stopMs?: number;
}

export interface Manager {
  /**
   * Starts the parts one after another and resolves with the exit code when they have stopped: 0 after a signal, 1 after
   * a failure, after `stopMs` or after a second signal, which ends it at once. The caller then ends the process.
   */
  readonly run: () => Promise<number>;
  /** Not ready from the moment the process begins to stop, so that no request is sent to it any more. */
  readonly check: HealthCheck;
}

export const makeManager = ({ parts, signals, clock, log, stopMs = 30_000 }: ManagerOptions): Manager => {
  const stopping = new AbortController();
  const forced = Promise.withResolvers<number>();
  let exitCode = 0;

  const stop = (reason: string, code: number): void => {
    if (stopping.signal.aborted) return;
    exitCode = code;
    stopping.abort(new Error(reason));
  };

  const onSignal = (name: string): void => {
    if (stopping.signal.aborted) {
      log.warn({ signal: name }, 'a second signal: ends at once');
      forced.resolve(1);
      return;
    }
    log.info({ signal: name }, 'stops');
    stop(`received ${name}`, 0);
  };

  const startAll = async (started: Part[]): Promise<void> => {
    for (const part of parts) {
      if (stopping.signal.aborted) return;
      const fail = (error: unknown): void => {
        log.error({ part: part.name, err: error }, 'a part has failed');
        stop(`${part.name} failed`, 1);
      };
      started.push(part);
      log.debug({ part: part.name }, 'starts');
      try {
        await part.start({ signal: stopping.signal, fail });
      } catch (error) {
        // After a signal a part that was still starting gives up; that is no failure.
        if (!stopping.signal.aborted) fail(error);
      }
    }
  };

  const stopAll = async (started: readonly Part[]): Promise<void> => {
    for (const part of started.toReversed()) {
      log.debug({ part: part.name }, 'stops');
      try {
        await part.stop();
      } catch (error) {
        exitCode = 1;
        log.error({ part: part.name, err: error }, 'a part did not stop cleanly');
      }
    }
  };

  const runAll = async (): Promise<number> => {
    const started: Part[] = [];
    await startAll(started);
    if (!stopping.signal.aborted) {
      log.info({ parts: parts.map(({ name }) => name) }, 'runs');
      await new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve(), { once: true }));
    }
    try {
      await withDeadline(clock, { what: 'the orderly stop', ms: stopMs }, () => stopAll(started));
    } catch (error) {
      log.error({ err: error }, 'ends without an orderly stop');
      return 1;
    }
    return exitCode;
  };

  return {
    run: async () => {
      const unsubscribe = signals(onSignal);
      try {
        return await Promise.race([runAll(), forced.promise]);
      } finally {
        unsubscribe();
      }
    },
    check: {
      name: 'process',
      check: () => (stopping.signal.aborted ? { ok: false, message: 'stopping' } : { ok: true, message: 'running' }),
    },
  };
};
