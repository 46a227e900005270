import { expect, test } from '@jest/globals';
import { makeFlush } from '../../src/workspace/flush.ts';

test('who asks while a flush runs shares the next one, not the running one', async () => {
  const runs: (() => void)[] = [];
  const flush = makeFlush(
    () => 'disk',
    () =>
      new Promise((resolve) => {
        runs.push(resolve);
      }),
  );
  const order: string[] = [];
  const first = flush('/a').then(() => order.push('first'));
  const second = flush('/b').then(() => order.push('second'));
  const third = flush('/c').then(() => order.push('third'));
  expect(runs).toHaveLength(1);
  runs[0]!();
  await first;
  await new Promise(setImmediate);
  expect([runs.length, order]).toEqual([2, ['first']]);
  runs[1]!();
  await Promise.all([second, third]);
  expect(runs).toHaveLength(2);
});

test('file systems do not wait for each other, and a failure is only its own', async () => {
  let fails = true;
  const flush = makeFlush(
    (folder) => folder,
    () => (fails ? Promise.reject(new Error('EIO')) : Promise.resolve()),
  );
  const broken = flush('/broken');
  fails = false;
  await flush('/other');
  await expect(broken).rejects.toThrow('EIO');
  await flush('/broken');
});
