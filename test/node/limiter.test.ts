import { describe, expect, test } from '@jest/globals';
import { makeLimiter } from '../../src/node/limiter.ts';

const never = new AbortController().signal;

describe('a limiter', () => {
  test('runs no more than it has places, in the order of the line', async () => {
    const limiter = makeLimiter(1);
    const gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const work = (name: string) => (): Promise<number> => Promise.resolve(order.push(name));
    const first = limiter.run(never, () => gate.promise);
    const others = [limiter.run(never, work('second')), limiter.run(never, work('third'))];
    expect(order).toEqual([]);
    gate.resolve();
    await Promise.all([first, ...others]);
    expect(order).toEqual(['second', 'third']);
  });

  test('gives a place back after a failure', async () => {
    const limiter = makeLimiter(1);
    await expect(limiter.run(never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await limiter.run(never, () => Promise.resolve('ran'))).toBe('ran');
  });

  test('lets a waiter leave, and loses neither its own place nor another’s', async () => {
    const limiter = makeLimiter(1);
    const gate = Promise.withResolvers<void>();
    const leaving = new AbortController();
    const first = limiter.run(never, () => gate.promise);
    const left = limiter.run(leaving.signal, () => Promise.resolve('left'));
    const stayed = limiter.run(never, () => Promise.resolve('stayed'));
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    gate.resolve();
    await first;
    // Called, and aborted before it noticed: the place is used and given back, and the one behind it is not lost.
    leaving.abort();
    expect(await stayed).toBe('stayed');
    expect(await limiter.run(never, () => Promise.resolve('after'))).toBe('after');
  });
});
