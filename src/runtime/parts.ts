import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import type { Controller } from './controller.ts';
import type { EventRecorder } from './events.ts';
import type { Informer } from './informer.ts';
import type { LeaderElector } from './leader-elector.ts';
import type { Part } from './manager.ts';

type AnyInformer = Pick<Informer<never>, 'run' | 'synced'>;

/** Starts when every cache holds its first complete list: nobody decides on half a world. */
export const informersPart = (informers: readonly AnyInformer[]): Part => {
  const stopping = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  return {
    name: 'caches',
    start: async ({ signal }) => {
      running = Promise.all(informers.map((informer) => informer.run(stopping.signal)));
      await unlessAborted(signal, Promise.all(informers.map(({ synced }) => synced)));
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};

/** Starts when this process leads. Stop it after what acts under the lease: it frees the lease for the next. */
export const leaderPart = (elector: LeaderElector): Part => ({
  name: 'leader election',
  start: ({ signal }) => elector.acquire(signal),
  stop: () => elector.release(),
});

/** `graceMs` is what a pass under way gets to end by itself. */
export const controllersPart = (controllers: readonly Controller[], graceMs = 20_000): Part => ({
  name: 'controllers',
  start: () => {
    for (const controller of controllers) controller.start();
    return Promise.resolve();
  },
  stop: async () => {
    await Promise.all(controllers.map((controller) => controller.stop(graceMs)));
  },
});

/** Sends what is recorded before the process ends, for `flushMs` at most: the story may lack its last line, no more. */
export const eventsPart = (recorder: EventRecorder, clock: Clock, flushMs = 5000): Part => ({
  name: 'events',
  start: () => Promise.resolve(),
  stop: () =>
    withDeadline(clock, { what: 'sending the last events', ms: flushMs }, () => recorder.flush()).catch(
      () => undefined,
    ),
});

/** A loop that runs until its signal is aborted. Ending by itself, or throwing, is a failure of the process. */
export const loopPart = (name: string, run: (signal: AbortSignal) => Promise<void>): Part => {
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  return {
    name,
    start: ({ fail }) => {
      const supervise = async (): Promise<void> => {
        try {
          await run(stopping.signal);
          if (!stopping.signal.aborted) fail(new Error(`${name} ended by itself`));
        } catch (error) {
          if (!stopping.signal.aborted) fail(error);
        }
      };
      running = supervise();
      return Promise.resolve();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};

const unlessAborted = async (signal: AbortSignal, work: Promise<unknown>): Promise<void> => {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};
