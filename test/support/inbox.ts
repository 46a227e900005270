export interface Inbox<T> {
  readonly push: (item: T) => void;
  /** The next item nobody has read yet. Rejects after a minute of real time, saying that nothing came. */
  readonly next: () => Promise<T>;
  readonly unread: () => readonly T[];
}

/** Nobody waits so long but where something is wrong, on however busy a machine. */
const WAIT_MS = 60_000;

/** What callbacks bring, for a test to await one by one. */
export const makeInbox = <T>(what = 'message'): Inbox<T> => {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    push: (item) => {
      const waiter = waiting.shift();
      if (waiter === undefined) items.push(item);
      else waiter(item);
    },
    next: () => {
      const [item] = items.splice(0, 1);
      if (item !== undefined) return Promise.resolve(item);
      return new Promise<T>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no ${what} within ${WAIT_MS} ms`)), WAIT_MS);
        waiting.push((received) => {
          clearTimeout(timer);
          resolve(received);
        });
      });
    },
    unread: () => items,
  };
};
