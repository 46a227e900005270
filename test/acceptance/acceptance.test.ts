import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { FAULTS } from './faults.ts';
import { acceptanceTable, faultTable, isOnCluster, linkedTests, titlesIn } from './links.ts';
import { LINES } from './lines.ts';

const root = join(import.meta.dirname, '../..');

test('every line is shown by a test', async () => {
  const shown = new Set((await linkedTests(root)).map(({ id }) => id));
  const bare = LINES.filter(({ id }) => !shown.has(id)).map(({ id }) => id);
  expect(bare).toEqual([]);
});

test('no test names a line that does not exist', async () => {
  const known = new Set([...LINES, ...FAULTS].map(({ id }) => id));
  expect((await linkedTests(root)).filter(({ id }) => !known.has(id))).toEqual([]);
});

test('every class of faults is shown where it must be: on models, and on a real API server or node', async () => {
  const tests = await linkedTests(root);
  const bare = FAULTS.flatMap(({ id, on }) => {
    const shown = tests.filter((linked) => linked.id === id);
    return on
      .filter((ground) => !shown.some((linked) => isOnCluster(linked) === (ground !== 'model')))
      .map((ground) => `${id} on ${ground}`);
  });
  expect(bare).toEqual([]);
});

test('docs/acceptance.md and docs/faults.md are what `make generate` writes', async () => {
  const tests = await linkedTests(root);
  expect(readFileSync(join(root, 'docs/acceptance.md'), 'utf8')).toBe(acceptanceTable(tests));
  expect(readFileSync(join(root, 'docs/faults.md'), 'utf8')).toBe(faultTable(tests));
});

test('ids are found in titles and docstrings, several in one, and nowhere else', () => {
  const found = titlesIn(
    'a.test.ts',
    ["it('shows it [A1.10] [T2]', () => {", '"""Reads. [A8.3]"""', '// [T1]'].join('\n'),
  );
  expect(found).toEqual([
    { id: 'A1.10', file: 'a.test.ts', title: 'shows it' },
    { id: 'T2', file: 'a.test.ts', title: 'shows it' },
    { id: 'A8.3', file: 'a.test.ts', title: 'Reads.' },
  ]);
});
