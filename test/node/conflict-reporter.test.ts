import { describe, expect, test } from '@jest/globals';
import type { WorkspaceConflict } from '../../src/api/workspace-conflict.ts';
import { mergeConflicts } from '../../src/node/conflict-reporter.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const other: WorkspaceConflict = { epoch: 2, node: 'node-9', since: '2026-01-01T10:00:00Z' };
const question: WorkspaceConflict = { epoch: 3, node: 'node-1', since: '2026-01-01T11:00:00Z' };
const end = { epoch: 3, node: 'node-1', kept: [], over: true } as const;
const at = (manifest: string): WorkspaceConflict => ({ ...question, since: '2026-01-01T12:00:00Z', manifest });

describe('what an epoch says of its end', () => {
  test('answers the question that was open since its node was lost: all is in HEAD', () => {
    expect(mergeConflicts([other, question], end, NOW)).toEqual([other]);
  });

  test('or its files are kept, and where', () => {
    expect(mergeConflicts([other, question], { ...end, kept: ['m'] }, NOW)).toEqual([other, at('m')]);
  });

  test('leaves the question open as long as there may be more', () => {
    expect(mergeConflicts([question], { ...end, kept: ['m'], over: false }, NOW)).toEqual([question, at('m')]);
  });

  test('is said once, however often it is told', () => {
    const once = mergeConflicts([], { ...end, kept: ['m', 'n'] }, NOW);
    expect(once).toEqual([at('m'), at('n')]);
    expect(mergeConflicts(once, { ...end, kept: ['m', 'n'] }, NOW + 60_000)).toEqual(once);
  });

  test('is nothing to another epoch, nor to the same on another node', () => {
    const elsewhere = { ...question, node: 'node-2' };
    expect(mergeConflicts([other, elsewhere], end, NOW)).toEqual([other, elsewhere]);
  });

  test('puts the oldest out of a full list, never itself', () => {
    const full = Array.from({ length: 20 }, (_, index) => ({ ...other, epoch: index + 10 }));
    const after = mergeConflicts(full, { ...end, kept: ['m'] }, NOW);
    expect(after).toEqual([...full.slice(1), at('m')]);
  });
});
