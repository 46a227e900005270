import { expect, test } from '@jest/globals';
import { tapOutcome } from './bats.ts';

test('what bats printed is counted', () => {
  expect(tapOutcome('1..2\nok 1 a\nok 2 b\n', 0)).toEqual({ passed: 2, failed: 0, planned: 2 });
  expect(tapOutcome('1..2\nok 1 a\nnot ok 2 b\n# why\n', 1)).toEqual({ passed: 1, failed: 1, planned: 2 });
});

test('a skipped test, one that never ended, a file that fails as a whole and one without tests are failures', () => {
  expect(tapOutcome('1..2\nok 1 a\nok 2 b # skip later\n', 0).failed).toBe(1);
  expect(tapOutcome('1..3\nok 1 a\n', 1).failed).toBe(2);
  expect(tapOutcome('1..1\nok 1 a\n', 1).failed).toBe(1);
  expect(tapOutcome('', 0).failed).toBe(1);
});
