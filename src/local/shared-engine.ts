import { openEngine, type OpenEngine } from './engine.ts';
import type { Local } from './local.ts';
import type { StepContext } from './step.ts';

/** One engine for several steps that run at the same time. */
export interface SharedEngine {
  /** Opens the engine for the first that needs it, and closes it after the last. */
  readonly use: <T>(context: StepContext, act: (open: OpenEngine) => Promise<T>) => Promise<T>;
}

export const makeSharedEngine = (local: Local): SharedEngine => {
  let users = 0;
  let opened: Promise<OpenEngine> | undefined;
  // Closing and opening take turns, so that nobody gets an engine that is about to end.
  let closing: Promise<void> = Promise.resolve();

  const open = async (context: StepContext): Promise<OpenEngine> => {
    await closing;
    return openEngine(local, context);
  };
  return Object.freeze({
    use: async <T>(context: StepContext, act: (engine: OpenEngine) => Promise<T>): Promise<T> => {
      users += 1;
      opened ??= open(context);
      const mine = opened;
      try {
        return await act(await mine);
      } finally {
        users -= 1;
        if (users === 0) {
          opened = undefined;
          closing = mine.then(
            (engine) => engine.close(),
            () => {},
          );
          await closing;
        }
      }
    },
  });
};
