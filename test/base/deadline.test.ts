import { describe, expect, it } from '@jest/globals';
import { DeadlineError, withDeadline } from '../../src/base/deadline.ts';
import { makeVirtualClock } from '../support/virtual-clock.ts';

const never = (): Promise<never> => new Promise<never>(() => undefined);

describe('withDeadline', () => {
  it('gives what the work gives, and leaves no timer', async () => {
    const clock = makeVirtualClock();
    expect(await withDeadline(clock, { what: 'work', ms: 100 }, () => Promise.resolve(7))).toBe(7);
    await expect(withDeadline(clock, { what: 'work', ms: 100 }, () => Promise.reject(new Error('no')))).rejects.toThrow(
      'no',
    );
    expect(clock.sleepers()).toBe(0);
  });

  it('rejects in time even if the work does not listen, and tells the work', async () => {
    const clock = makeVirtualClock();
    let told: AbortSignal | undefined;
    const result = expect(
      withDeadline(clock, { what: 'the restore', ms: 100 }, (signal) => {
        told = signal;
        return never();
      }),
    ).rejects.toThrow(new DeadlineError('the restore', 100));
    await clock.advance(100);
    await result;
    expect(told?.aborted).toBe(true);
    expect(told?.reason).toBeInstanceOf(DeadlineError);
  });

  it('passes the caller’s reason on, before and during the work', async () => {
    const clock = makeVirtualClock();
    const caller = new AbortController();
    const options = { what: 'work', ms: 100, signal: caller.signal };
    const result = expect(withDeadline(clock, options, never)).rejects.toThrow('enough');
    caller.abort(new Error('enough'));
    await result;
    await expect(withDeadline(clock, options, never)).rejects.toThrow('enough');
    expect(clock.sleepers()).toBe(0);
  });
});
