import { expect, it } from '@jest/globals';
import { systemRandom } from '../../src/base/random.ts';

it('gives as many bytes as are asked for, and never the same', () => {
  const lengths = [4, 8, 1000, 1023, 1024, 1025, 5000];
  for (const bytes of lengths) expect(systemRandom.hex(bytes)).toMatch(new RegExp(`^[0-9a-f]{${bytes * 2}}$`));
  // 2,000 of 64 bits: two alike by chance are as likely as a hardware fault.
  const given = Array.from({ length: 2_000 }, () => systemRandom.hex(8));
  expect(new Set(given).size).toBe(given.length);
  expect(given).not.toContain('0'.repeat(16));
});
