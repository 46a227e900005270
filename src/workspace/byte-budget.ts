/** Bounds the bytes that are in buffers at one time, first come first served. */
export interface ByteBudget {
  /** Waits until there is room and returns the function that gives it back. Rejects when `signal` is aborted. */
  readonly acquire: (bytes: number, signal?: AbortSignal) => Promise<() => void>;
}

interface Waiter {
  readonly bytes: number;
  readonly start: () => void;
}

/**
 * A request larger than the whole budget waits for all of it. Whoever holds some must not wait for more while others
 * wait for what it holds: every user here acquires once for one buffer and gives it back when the buffer is sent.
 */
export const makeByteBudget = (total: number): ByteBudget => {
  let free = total;
  const queue: Waiter[] = [];

  const advance = (): void => {
    for (let next = queue[0]; next !== undefined && next.bytes <= free; next = queue[0]) {
      queue.shift();
      free -= next.bytes;
      next.start();
    }
  };

  const acquire = (wanted: number, signal?: AbortSignal): Promise<() => void> =>
    new Promise((resolve, reject) => {
      const bytes = Math.min(wanted, total);
      let held = true;
      const release = (): void => {
        if (!held) return;
        held = false;
        free += bytes;
        advance();
      };
      const onAbort = (): void => {
        const place = queue.indexOf(waiter);
        if (place === -1) return;
        queue.splice(place, 1);
        reject(signal?.reason as Error);
        advance();
      };
      const waiter: Waiter = {
        bytes,
        start: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve(release);
        },
      };
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.push(waiter);
      advance();
    });

  return { acquire };
};

/**
 * Shared by every home of a process: 50 homes that commit at once need no more memory than one. Four blobs at a
 * time are about 350 MB/s at the 90 MB/s that S3 gives one connection, which is more than most disks write.
 */
export const PROCESS_BUDGET: ByteBudget = makeByteBudget(32 << 20);
