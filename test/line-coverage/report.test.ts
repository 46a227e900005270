import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { lineCoverage } from './report.ts';

let root: string;
let folder: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'matrx-coverage-'));
  folder = join(root, 'counts');
  mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true }));

const worker = (name: string, content: object): void =>
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(content));

test('a line is covered that has run in any of the workers, and counts once', () => {
  worker('1', { '/src/a.ts': { lines: [1, 1, 2, 3], runs: [0, 2, 0, 0] }, '/test/b.ts': { lines: [1], runs: [0] } });
  worker('2', { '/src/a.ts': { lines: [1, 1, 2, 3], runs: [0, 0, 0, 7] } });
  expect(lineCoverage(folder, ['/src/a.ts'])).toEqual({ covered: 2, total: 3 });
});

test('a source that was never loaded has none of its lines covered', () => {
  const source = join(root, 'never.ts');
  writeFileSync(
    source,
    "import type { A } from './a.ts';\n\nexport const b: A = 1;\nif (b > 0) {\n  b.toString();\n}\n",
  );
  worker('1', {});
  expect(lineCoverage(folder, [source])).toEqual({ covered: 0, total: 3 });
});

test('nothing counted at all is no coverage, but an error', () => {
  expect(() => lineCoverage(folder, ['/src/a.ts'])).toThrow('no worker has counted anything');
});
