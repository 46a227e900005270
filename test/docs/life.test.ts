import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { SANDBOX_LIFE, SANDBOX_STATES } from '../../src/api/sandbox-life.ts';
import { lifeReference } from '../../scripts/life-reference.ts';

const text = readFileSync(join(import.meta.dirname, '../../docs/life.md'), 'utf8');

it('docs/life.md is what `make generate` writes', () => {
  expect(text).toBe(lifeReference());
});

it('every state and every way out of it has its row', () => {
  const [states = ''] = text.split('## Why it has ended');
  const rows = states.split('\n').filter((line) => line.startsWith('| `'));
  for (const state of SANDBOX_STATES) {
    expect(rows.filter((row) => row.startsWith(`| \`${state}\` |`))).toHaveLength(
      1 + SANDBOX_LIFE[state].leaves.length,
    );
  }
});

it('every state is come to from another, and left for another', () => {
  for (const state of SANDBOX_STATES) {
    const others = SANDBOX_STATES.filter((other) => other !== state);
    expect(others.some((other) => SANDBOX_LIFE[other].leaves.some(({ to }) => to.includes(state)))).toBe(true);
    expect(SANDBOX_LIFE[state].leaves.some(({ to }) => to.some((other) => other !== state))).toBe(true);
  }
});
