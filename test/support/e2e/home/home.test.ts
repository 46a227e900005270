import { expect, test } from '@jest/globals';
import { differences, type HomeEntry } from './home.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex');
const file = (name: string, more: Partial<HomeEntry> = {}): HomeEntry => ({
  path: hex(name),
  type: 'file',
  mode: '0644',
  mtime: '1',
  owner: '1000:1000',
  size: 1,
  sha256: 'a',
  ...more,
});
const home = (...entries: readonly HomeEntry[]): ReadonlyMap<string, HomeEntry> =>
  new Map(entries.map((entry) => [entry.path, entry]));

test('equal homes do not differ, and a FIFO is expected to be gone', () => {
  expect(differences(home(file('a'), file('fifo', { type: 'other' })), home(file('a')))).toEqual([]);
});

test.each<[string, readonly HomeEntry[], RegExp]>([
  ['a lost file', [], /^missing: .*"name":"a"/],
  ['another time, by one nanosecond', [file('a', { mtime: '2' })], /^was .*"mtime":"1".*\n.*"mtime":"2"/],
  ['another mode', [file('a', { mode: '0600' })], /"0600"/],
  ['a hard link that has become a file of its own', [file('a', { group: hex('a') })], /"group"/],
  ['a file that came from nowhere', [file('a'), file('b')], /^was not there: .*"name":"b"/],
])('%s is a difference', (_name, back, message) => {
  const found = differences(home(file('a')), home(...back));
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(message);
});
