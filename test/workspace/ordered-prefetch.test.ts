import { expect, test } from '@jest/globals';
import { orderedPrefetch } from '../../src/workspace/ordered-prefetch.ts';

/** Loads that end when the test says so. */
const makeLoads = () => {
  const started: number[] = [];
  const ends = new Map<number, { resolve: (value: string) => void; reject: (error: Error) => void }>();
  const load = (item: number): Promise<string> => {
    started.push(item);
    return new Promise((resolve, reject) => {
      ends.set(item, { resolve, reject });
    });
  };
  return {
    started,
    load,
    end: (item: number) => ends.get(item)!.resolve(`loaded ${item}`),
    fail: (item: number) => ends.get(item)!.reject(new Error(`no ${item}`)),
  };
};
const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test('loads ahead so far and no further, and keeps the order', async () => {
  const { started, load, end } = makeLoads();
  const results = orderedPrefetch([1, 2, 3, 4], 2, load, () => undefined);
  const first = results.next();
  await settle();
  expect(started).toEqual([1, 2]);
  end(2);
  end(1);
  expect(await first).toEqual({ done: false, value: [1, 'loaded 1'] });
  const second = results.next();
  await settle();
  expect(started).toEqual([1, 2, 3]);
  expect(await second).toEqual({ done: false, value: [2, 'loaded 2'] });
});

test('hands over what was loaded in vain when the consumer stops', async () => {
  const { load, end } = makeLoads();
  const unused: string[] = [];
  const results = orderedPrefetch([1, 2, 3], 3, load, (loaded) => unused.push(loaded));
  const first = results.next();
  await settle();
  end(1);
  end(3);
  await first;
  await results.return(undefined);
  end(2);
  await settle();
  expect(unused.sort()).toEqual(['loaded 2', 'loaded 3']);
});

test('ends with the first failure, in the items’ order', async () => {
  const { load, end, fail } = makeLoads();
  const unused: string[] = [];
  const results = orderedPrefetch([1, 2, 3], 3, load, (loaded) => unused.push(loaded));
  const first = results.next();
  await settle();
  fail(2);
  end(1);
  end(3);
  expect((await first).value).toEqual([1, 'loaded 1']);
  await expect(results.next()).rejects.toThrow('no 2');
  await settle();
  expect(unused).toEqual(['loaded 3']);
});
