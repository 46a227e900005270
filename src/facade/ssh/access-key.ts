import { z } from 'zod';
import { ANNOTATION_SSH_KEYS } from '../../api/names.ts';
import type { Sandbox } from '../../api/sandbox.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { fingerprintOf, KEY_TYPE } from './openssh-key.ts';

const AccessKeyRecord = z.object({
  id: z.string().regex(/^[a-z0-9-]{1,64}$/),
  /** `ssh-ed25519 AAAA…` */
  publicKey: z.string().regex(new RegExp(`^${KEY_TYPE} [A-Za-z0-9+/]{68}$`)),
  /** Made for this sandbox alone, or brought by the caller, who may have it elsewhere, too. */
  origin: z.enum(['made', 'brought']),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  /** The id of the API key that it was asked for with; a configured key has none, and records of before name none. */
  apiKey: z.string().optional(),
});

/** The public half of a key that opens one sandbox by SSH. The private half is nowhere but with whoever asked for it. */
export type AccessKey = Readonly<z.infer<typeof AccessKeyRecord>>;

/** What keys are judged by: milliseconds since 1970, and the API keys there are; without those none is asked for. */
export interface KeyJudge {
  readonly now: number;
  readonly keyRing: Pick<KeyRing, 'find'> | undefined;
}

/** More keys that have not expired are not given out for one sandbox. */
export const MAX_ACCESS_KEYS = 50;

/** The user name that all sandboxes share. */
export const SSH_USER = 'agent';

/**
 * Whom a key opens the sandbox for. A made key tells by itself which sandbox is meant, and its user is the same for all; a
 * brought one may be at other sandboxes, and at those of other people, who can bring anybody's public half: the user name
 * has to say which is meant.
 */
export const userNamesOf = ({ origin }: AccessKey, sandbox: string): readonly string[] =>
  origin === 'made' ? [SSH_USER, sandbox] : [sandbox];

const known = new WeakMap<Sandbox, readonly AccessKey[]>();

/** All that a Sandbox has, expired or not: they stand in an annotation of it. What is no record is left out. */
export const accessKeysOf = (sandbox: Sandbox): readonly AccessKey[] => {
  const parsed = known.get(sandbox) ?? parse(sandbox.metadata.annotations?.[ANNOTATION_SSH_KEYS]);
  known.set(sandbox, parsed);
  return parsed;
};

export const isExpired = ({ expiresAt }: AccessKey, now: number): boolean => Date.parse(expiresAt) <= now;

/** Those that have not expired, whether or not the API key behind them stands. `now` in milliseconds. */
export const unexpiredKeysOf = (sandbox: Sandbox, now: number): readonly AccessKey[] =>
  accessKeysOf(sandbox).filter((key) => !isExpired(key, now));

/**
 * Whether the API key that it was asked for with is still there, and might still ask for it: whoever takes an API key back
 * takes back what it gave out.
 */
export const isBacked = ({ apiKey }: AccessKey, { spec }: Sandbox, { now, keyRing }: KeyJudge): boolean => {
  if (apiKey === undefined || keyRing === undefined) return true;
  const key = keyRing.find(apiKey);
  if (key === undefined || (key.expiresAt !== undefined && key.expiresAt <= now)) return false;
  return key.scopes.has('exec') && (key.users === undefined || key.users.has(spec.userId));
};

/** Those that still open it. */
export const validKeysOf = (sandbox: Sandbox, judge: KeyJudge): readonly AccessKey[] =>
  unexpiredKeysOf(sandbox, judge.now).filter((key) => isBacked(key, sandbox, judge));

/** The annotation's value; null takes it away. */
export const keysAnnotation = (keys: readonly AccessKey[]): string | null =>
  keys.length === 0 ? null : JSON.stringify(keys);

export const fingerprint = ({ publicKey }: AccessKey): string => fingerprintOf(publicKey);

const parse = (text: string | undefined): readonly AccessKey[] => {
  if (text === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return value.flatMap((one) => {
    const record = AccessKeyRecord.safeParse(one);
    return record.success ? [record.data] : [];
  });
};
