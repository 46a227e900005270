export interface DeleteOptions {
  readonly signal?: AbortSignal;
  /** So many objects more are gone; 0 when it was older versions, or only looked for some. What it throws ends the deletion. */
  readonly onDeleted?: (objects: number) => Promise<void>;
}

/** S3 deletes a thousand with one request. */
const BATCH = 1000;

/** Hands on what is listed, a thousand at a time, and says how many there were. */
export const inBatches = async <T>(
  items: AsyncIterable<T>,
  act: (batch: readonly T[]) => Promise<void>,
): Promise<number> => {
  let [batch, count]: [T[], number] = [[], 0];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    count += batch.length;
    await act(batch);
    batch = [];
  };
  for await (const item of items) {
    batch.push(item);
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  return count;
};
