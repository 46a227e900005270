/** Runs what has the same key one after another, in the order of the calls; a failure does not stop the next. */
export type Turns = <T>(key: string, work: () => Promise<T>) => Promise<T>;

export const makeTurns = (): Turns => {
  const last = new Map<string, Promise<unknown>>();
  return async (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (last.get(key) === turn) last.delete(key);
    }
  };
};
