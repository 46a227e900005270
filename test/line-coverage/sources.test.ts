import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { coveredSources, isTypesOnly } from './sources.ts';

test('a module of types alone is told from one with code', () => {
  expect(
    isTypesOnly("import type { A } from './a.ts';\n/** Of b. */\nexport interface B {\n  readonly a: A;\n}\n"),
  ).toBe(true);
  expect(isTypesOnly("import { type A } from './a.ts';\n// Of c.\nexport type C = A | 'c';\n")).toBe(true);
  expect(isTypesOnly("import type { A } from './a.ts';\nexport const a: A = 1;\n")).toBe(false);
  expect(isTypesOnly("export * from './a.ts';\n")).toBe(false);
});

test('all modules with code are counted', () => {
  const root = join(import.meta.dirname, '../..');
  const sources = coveredSources(root);
  expect(sources).toContain(join(root, 'src/domain/plan.ts'));
  expect(sources).not.toContain(join(root, 'src/domain/action.ts'));
});
