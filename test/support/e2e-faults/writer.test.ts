import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holdsAllOf, reaches, readWriterState } from './writer.ts';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'writer-'));
  await mkdir(join(home, 'writer', 'files'), { recursive: true });
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

const log = (text: string): Promise<void> => writeFile(join(home, 'writer', 'log'), text);
const file = (name: string, content = `${name}\n`.repeat(100)): Promise<void> =>
  writeFile(join(home, 'writer', 'files', name), content);

test('reads the last number and the files; a file in the making does not count', async () => {
  await log('00000001\n00000002\n');
  await file('00000010');
  await file('00000020.part', 'half');
  expect(await readWriterState(home)).toEqual({ last: 2, files: new Set([10]) });
});

test('a home from before the writer is its empty state', async () => {
  await rm(join(home, 'writer'), { recursive: true });
  expect(await readWriterState(home)).toEqual({ last: 0, files: new Set() });
});

test('a gap, a torn line and a torn file are errors', async () => {
  await log('00000001\n00000003\n');
  await expect(readWriterState(home)).rejects.toThrow(/numbers from 1 to 2/);
  await log('00000001\n0000');
  await expect(readWriterState(home)).rejects.toThrow(/numbers from 1/);
  await log('00000001\n');
  await file('00000010', 'half');
  await expect(readWriterState(home)).rejects.toThrow(/torn/);
});

test('a later state holds all of an earlier one, or has lost something', () => {
  const earlier = { last: 15, files: new Set([10]) };
  expect(holdsAllOf({ last: 25, files: new Set([10, 20]) }, earlier)).toBe(true);
  expect(holdsAllOf({ last: 14, files: new Set([10]) }, earlier)).toBe(false);
  expect(holdsAllOf({ last: 25, files: new Set([20]) }, earlier)).toBe(false);
});

test('reaching a number takes every file before it', () => {
  expect(reaches({ last: 25, files: new Set([10, 20]) }, 25)).toBe(true);
  expect(reaches({ last: 25, files: new Set([10]) }, 20)).toBe(true);
  expect(reaches({ last: 25, files: new Set([10]) }, 21)).toBe(false);
  expect(reaches({ last: 19, files: new Set([10]) }, 20)).toBe(false);
});
