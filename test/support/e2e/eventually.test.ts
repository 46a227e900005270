import { expect, test } from '@jest/globals';
import { eventually } from './eventually.ts';

test('the first answer that is not "no" is the answer, and an error counts as "not yet"', async () => {
  const answers = [undefined, false, new Error('refused'), 'yes'] as const;
  let asked = 0;
  const answer = await eventually(
    'it answers',
    () => {
      const next = answers[asked++];
      if (next instanceof Error) throw next;
      return next;
    },
    { deadlineMs: 20_000, everyMs: 1 },
  );
  expect([answer, asked]).toEqual(['yes', 4]);
});

test('at the deadline it says what it waited for and what it saw last', async () => {
  const probe = (): Promise<false> => Promise.reject(new Error('connection refused'));
  await expect(eventually('the port is open', probe, { deadlineMs: 5, everyMs: 1 })).rejects.toThrow(
    /not within 0\.005 s: the port is open; the last error was: connection refused/,
  );
});
