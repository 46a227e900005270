import { expect, test } from '@jest/globals';
import { makeByteBudget } from '../../src/workspace/byte-budget.ts';

/** Whether a promise has settled once everything that can happen has happened. */
const isSettled = async (promise: Promise<unknown>): Promise<boolean> => {
  let settled = false;
  const mark = (): void => void (settled = true);
  promise.then(mark, mark);
  await new Promise(setImmediate);
  return settled;
};

test('gives what is free, and makes the next wait until something is given back', async () => {
  const budget = makeByteBudget(10);
  const release = await budget.acquire(6);
  await budget.acquire(4);
  const next = budget.acquire(5);
  expect(await isSettled(next)).toBe(false);
  release();
  expect(await isSettled(next)).toBe(true);
});

test('serves in order: a small one does not pass a large one for ever', async () => {
  const budget = makeByteBudget(10);
  const release = await budget.acquire(10);
  const large = budget.acquire(10);
  const small = budget.acquire(1);
  release();
  expect([await isSettled(large), await isSettled(small)]).toEqual([true, false]);
});

test('gives all of it to what asks for more, so that nothing waits for ever', async () => {
  expect(await isSettled(makeByteBudget(10).acquire(1000))).toBe(true);
});

test('giving back twice counts once', async () => {
  const budget = makeByteBudget(10);
  const release = await budget.acquire(6);
  await budget.acquire(4);
  release();
  release();
  await budget.acquire(6);
  expect(await isSettled(budget.acquire(1))).toBe(false);
});

test('who gives up waiting stands in nobody’s way', async () => {
  const budget = makeByteBudget(10);
  await budget.acquire(8);
  const abort = new AbortController();
  const tooMuch = budget.acquire(5, abort.signal);
  const fits = budget.acquire(2);
  abort.abort(new Error('given up'));
  await expect(tooMuch).rejects.toThrow('given up');
  expect(await isSettled(fits)).toBe(true);
  await expect(budget.acquire(1, abort.signal)).rejects.toThrow('given up');
});
