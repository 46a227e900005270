import { describe, expect, it } from '@jest/globals';
import { readEntries } from '../../../src/facade/keys/keys-secret.ts';
import { aKeyRecord, base64, entry, testKey } from '../support/key-records.ts';

const read = (data: Readonly<Record<string, string>>) => readEntries({ metadata: { name: 'matrx-api-keys' }, data });

describe('the entries of the Secret', () => {
  it('are none where there is no Secret, or an empty one', () => {
    expect(readEntries(undefined).records.size).toBe(0);
    expect(readEntries({ metadata: { name: 'matrx-api-keys' } })).toEqual({ records: new Map(), malformed: [] });
  });

  it('are keys by their ids', () => {
    const { records, malformed } = read({ ...entry(1), ...entry(2, { users: ['ann'] }) });
    expect([...records.keys()]).toEqual([testKey(1).id, testKey(2).id]);
    expect(records.get(testKey(2).id)?.users).toEqual(['ann']);
    expect(malformed).toEqual([]);
  });

  it.each([
    ['no JSON', 'nonsense', 'it is not JSON'],
    ['a JSON that is no object', [1], /^the entry: /],
    ['no hash', { ...aKeyRecord(3), hash: undefined }, /^hash: /],
    ['a hash that is the secret itself', { ...aKeyRecord(3), hash: testKey(3).secret }, /^hash: takes the SHA-256/],
    ['no users', { ...aKeyRecord(3), users: [] }, /^users: /],
    ['users that are another word', { ...aKeyRecord(3), users: 'all' }, /^users: takes "\*" or a list/],
    ['no scopes', { ...aKeyRecord(3), scopes: [] }, /^scopes: /],
    ['an unknown scope', { ...aKeyRecord(3), scopes: ['admin'] }, /^scopes\.0: /],
    [
      'a limit that is misspelled, and would be none',
      { ...aKeyRecord(3), limits: { request_per_second: 1 } },
      /^limits: .*request_per_second/,
    ],
    ['a burst of nothing', { ...aKeyRecord(3), limits: { burst: 3 } }, /^limits\.burst: needs requests_per_second/],
    ['an expiry that is no time', { ...aKeyRecord(3), expiresAt: 'tomorrow' }, /^expiresAt: takes a time/],
    ['a misspelled expiry', { ...aKeyRecord(3), expiresat: '2026-01-01T00:00:00Z' }, /expiresat/],
  ])('that are %s are refused by name, and the others hold', (_what, value, fault) => {
    const { records, malformed } = read({ ...entry(1), [testKey(3).id]: base64(value) });
    expect([...records.keys()]).toEqual([testKey(1).id]);
    const matches = typeof fault === 'string' ? fault : expect.stringMatching(fault);
    expect(malformed).toEqual([{ entry: testKey(3).id, fault: matches }]);
  });

  it('under a name that is no id are refused', () => {
    expect(read({ 'my-key': base64(aKeyRecord(1)) }).malformed).toEqual([
      { entry: 'my-key', fault: 'its name is no id of a key (16 hex digits)' },
    ]);
  });

  it('tell nothing of a value that may be a key put there by mistake', () => {
    const { text } = testKey(9);
    for (const value of [text, JSON.stringify(text), JSON.stringify({ ...aKeyRecord(1), hash: text })]) {
      expect(JSON.stringify(read({ [testKey(9).id]: base64(value) }).malformed)).not.toContain(testKey(9).secret);
    }
  });
});
