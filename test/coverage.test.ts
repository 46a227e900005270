import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { coveredSources, isTypesOnly } from './coverage.ts';

test('a module of types alone is told from one with code', () => {
  expect(
    isTypesOnly("import type { A } from './a.ts';\n/** Of b. */\nexport interface B {\n  readonly a: A;\n}\n"),
  ).toBe(true);
  expect(isTypesOnly("import { type A } from './a.ts';\n// Of c.\nexport type C = A | 'c';\n")).toBe(true);
  expect(isTypesOnly("import type { A } from './a.ts';\nexport const a: A = 1;\n")).toBe(false);
  expect(isTypesOnly("export * from './a.ts';\n")).toBe(false);
});

test('all modules with code are counted', () => {
  const [all, ...left] = coveredSources(join(import.meta.dirname, '..'));
  expect(all).toBe('src/**/*.ts');
  expect(left).toContain('!src/domain/action.ts');
  expect(left).not.toContain('!src/domain/plan.ts');
});
