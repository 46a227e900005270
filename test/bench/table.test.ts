import { expect, test } from '@jest/globals';
import { comparedWith, secondsMeasured } from './measurement.ts';
import { table } from './table.ts';

test('columns are aligned, and one that nobody fills is left out', () => {
  const plain = secondsMeasured('plain', [2, 1, 3]);
  const compared = comparedWith(secondsMeasured('compared', [1.2, 1.2], { goal: '≤ 1.3 ×' }), 'bare pod', [1, 1]);
  expect(table([plain, compared]).split('\n')).toEqual([
    'case      n  p50  p95  unit  next to   p50  p95  ratio  goal',
    'plain     3  2    2.9  s',
    'compared  2  1.2  1.2  s     bare pod  1    1    1.2    ≤ 1.3 ×',
  ]);
});
