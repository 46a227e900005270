/** The `count` smallest of those that pass, in order. Never holds more than twice as many. */
export const smallest = async <T extends string>(
  names: AsyncIterable<T>,
  count: number,
  passes: (name: T) => boolean,
): Promise<readonly T[]> => {
  let kept: T[] = [];
  /** Above this, nothing need be kept. */
  let bound: T | undefined;
  for await (const name of names) {
    if (!passes(name) || (bound !== undefined && name >= bound)) continue;
    kept.push(name);
    if (kept.length < 2 * count) continue;
    kept = kept.sort(byBytes).slice(0, count);
    bound = kept.at(-1);
  }
  return kept.sort(byBytes).slice(0, count);
};

/** Each character is a byte. */
const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
