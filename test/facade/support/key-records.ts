import { SCOPES } from '../../../src/facade/caller.ts';
import { formatApiKey, hashSecret, type KeyPrefix } from '../../../src/facade/keys/api-key.ts';
import type { KeyRecord } from '../../../src/facade/keys/key-record.ts';

/** The key `n` of a test: its id, its secret, and the whole of it as a client sends it. */
export const testKey = (n: number, prefix: KeyPrefix = 'mtx') => {
  const id = n.toString(16).padStart(16, '0');
  const secret = n.toString(16).padStart(40, 'c');
  return { id, secret, text: formatApiKey(prefix, { id, secret }) };
};

/** A record of key `n`, for everybody and everything unless `change` says otherwise. */
export const aKeyRecord = (n: number, change: Partial<KeyRecord> = {}): KeyRecord => ({
  hash: hashSecret(testKey(n).secret).toString('hex'),
  name: `key ${n}`,
  users: '*',
  scopes: [...SCOPES],
  limits: {},
  createdAt: '2026-01-01T00:00:00Z',
  ...change,
});

export const base64 = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64');

/** An entry of the Secret. */
export const entry = (n: number, change: Partial<KeyRecord> = {}): Readonly<Record<string, string>> => ({
  [testKey(n).id]: base64(aKeyRecord(n, change)),
});
