import type { Random } from '../../base/random.ts';
import { type ApiKey, hashSecret, isKeyId, newKeyId, newKeySecret, parseApiKey } from './api-key.ts';
import type { Edit, EntryChange } from './edit-keys.ts';
import type { KeyRecord } from './key-record.ts';
import { entryName, readEntries, type Secret } from './keys-secret.ts';

/** What cannot be done with a key, for people. */
export class KeyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'KeyError';
  }
}

export interface MadeKey extends Edit {
  readonly key: ApiKey;
  readonly change: EntryChange & { readonly record: KeyRecord };
}

/** What a person says about a key. */
export type KeyTerms = Omit<KeyRecord, 'hash' | 'previous'>;

/** A new key under an id that the Secret does not have. */
export const addKey = (secret: Secret | undefined, terms: KeyTerms, random: Random): MadeKey => {
  let id = newKeyId(random);
  while (secret?.data?.[id] !== undefined) id = newKeyId(random);
  const key = { id, secret: newKeySecret(random) };
  return { key, change: { entry: id, record: { hash: hashOf(key), ...terms } } };
};

/** Takes an entry out of the Secret, also one that is malformed. `named`: its name, or the whole key. */
export const removeKey = (secret: Secret | undefined, named: string): Edit => {
  const entry = entryOf(named);
  if (secret?.data?.[entry] === undefined) throw noSuchKey(entry);
  return { change: { entry, record: undefined } };
};

/** The same key with another secret. Until `overlapUntil` (RFC 3339) the one it has now is taken as well. */
export const renewKey = (
  secret: Secret | undefined,
  named: string,
  { overlapUntil, random }: { readonly overlapUntil: string | undefined; readonly random: Random },
): MadeKey => {
  const id = entryOf(named);
  const { records, malformed } = readEntries(secret);
  const fault = malformed.find(({ entry }) => entry === id)?.fault;
  if (fault !== undefined) throw new KeyError(`the entry ${entryName(id)} is no API key: ${fault}; revoke it`);
  const record = records.get(id);
  if (record === undefined) throw noSuchKey(id);
  const { hash, previous: _, ...terms } = record;
  const key = { id, secret: newKeySecret(random) };
  const previous = overlapUntil === undefined ? {} : { previous: { hash, expiresAt: overlapUntil } };
  return { key, change: { entry: id, record: { hash: hashOf(key), ...previous, ...terms } } };
};

const hashOf = ({ secret }: ApiKey): string => hashSecret(secret).toString('hex');

/** Whoever finds a key that has leaked may name it as it is. */
const entryOf = (named: string): string => {
  const entry = parseApiKey(named)?.id ?? named;
  if (isKeyId(entry) || /^[-._A-Za-z0-9]{1,253}$/.test(entry)) return entry;
  throw new KeyError(
    `${JSON.stringify(entryName(named))} is neither a key nor the id of one: \`matrx key list\` names them`,
  );
};

const noSuchKey = (entry: string): KeyError =>
  new KeyError(`there is no API key ${entryName(entry)}: \`matrx key list\` names those there are`);
