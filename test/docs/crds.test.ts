import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { customResourceDefinitions } from '../../src/api/custom-resource-definitions.ts';
import { crdReference } from '../../scripts/crd-reference.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/crds.md'), 'utf8');

it('docs/crds.md is what `make generate` writes', () => {
  expect(text).toBe(crdReference());
});

it('every field of every kind has a row, and every row three cells', () => {
  const schemas = JSON.stringify([...customResourceDefinitions().values()]);
  for (const field of ['userId', 'templateRef', 'ttlSeconds', 'runtimeClassName', 'requestId', 'podUid', 'history']) {
    expect(schemas).toContain(`"${field}"`);
    expect(text).toMatch(new RegExp(`^\\| (\\*\\*)?\`[\\w.[\\]]+\\.${field}\``, 'm'));
  }
  const rows = text.split('\n').filter((line) => line.startsWith('| '));
  expect(rows.length).toBeGreaterThan(80);
  for (const row of rows) expect({ row, cells: row.split(/(?<!\\)\|/).length }).toEqual({ row, cells: 5 });
});
