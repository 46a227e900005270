/**
 * Every act by which a driver changes the world outside its memory passes through here, so that a test can let the
 * process die at any of them. A dead process does nothing any more: its acts neither succeed nor fail.
 */
export interface Effects {
  readonly run: <T>(name: string, act: () => Promise<T>) => Promise<T>;
  readonly count: () => number;
  readonly names: () => readonly string[];
  readonly isDead: () => boolean;
  /** SIGKILL, now. */
  readonly kill: () => void;
  /** True while an act is under way: time must not pass meanwhile, or a slow disk would look like a slow driver. */
  readonly isBusy: () => boolean;
  /** Resolves when what a dead process had begun has ended one way or the other: nothing of it runs on beside its successor. */
  readonly settled: () => Promise<void>;
}

export interface Death {
  /** Counted from 1. */
  readonly at: number;
  /** Whether the act itself still happens. */
  readonly when: 'before' | 'after';
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

export const makeEffects = (death?: Death): Effects => {
  const names: string[] = [];
  const running = new Set<Promise<unknown>>();
  let dead = false;
  const tracked = async <T>(act: () => Promise<T>): Promise<T> => {
    const work = act();
    running.add(work);
    try {
      return await work;
    } finally {
      running.delete(work);
    }
  };
  return {
    run: async (name, act) => {
      if (dead) return never();
      names.push(name);
      const isLast = names.length === death?.at;
      if (isLast && death.when === 'before') {
        dead = true;
        return never();
      }
      const result = await tracked(act).catch((error: unknown) => {
        if (dead) return never<never>();
        throw error;
      });
      if (isLast) dead = true;
      return dead ? never() : result;
    },
    count: () => names.length,
    names: () => names,
    isDead: () => dead,
    kill: () => {
      dead = true;
    },
    isBusy: () => running.size > 0,
    settled: async () => {
      await Promise.allSettled(running);
    },
  };
};
