/** Lets a few run at once; the others wait in line. */
export interface Limiter {
  /**
   * Runs `work` when a place is free. Rejects with the signal's reason when it is aborted while waiting; work that has
   * begun is not interrupted from here.
   */
  readonly run: <T>(signal: AbortSignal, work: () => Promise<T>) => Promise<T>;
}

export const makeLimiter = (places: number): Limiter => {
  let free = places;
  const line: (() => void)[] = [];

  const enter = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return;
    }
    const called = Promise.withResolvers<void>();
    const onAbort = (): void => {
      const position = line.indexOf(called.resolve);
      // Called already: the place is ours, and is given back when the work has seen the signal.
      if (position === -1) return;
      line.splice(position, 1);
      called.reject(signal.reason);
    };
    line.push(called.resolve);
    signal.addEventListener('abort', onAbort, { once: true });
    await called.promise.finally(() => signal.removeEventListener('abort', onAbort));
  };

  const leave = (): void => {
    const next = line.shift();
    // The place is handed over, so that nobody who comes meanwhile can take it.
    if (next === undefined) free += 1;
    else next();
  };

  return {
    run: async (signal, work) => {
      await enter(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
};
