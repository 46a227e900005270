import { createHash } from 'node:crypto';
import type { Random } from '../../base/random.ts';

/** `e2b` for the E2B SDKs, which refuse to send a key that begins otherwise; here it makes no difference. */
export type KeyPrefix = 'mtx' | 'e2b';

/** An API key in its parts: 16 hex digits that name it and may be told, and 40 that are known to its holder alone. */
export interface ApiKey {
  readonly id: string;
  readonly secret: string;
}

const ID_BYTES = 8;
/** 160 bits of chance: no rate of guessing gets anywhere, so a plain hash is enough to keep. */
const SECRET_BYTES = 20;

const KEY = /^(?:mtx|e2b)_([0-9a-f]{16})([0-9a-f]{40})$/;
const ID = /^[0-9a-f]{16}$/;

export const isKeyId = (text: string): boolean => ID.test(text);

/** Undefined where the text does not have the form of a key. */
export const parseApiKey = (text: string): ApiKey | undefined => {
  const [, id, secret] = KEY.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
};

export const formatApiKey = (prefix: KeyPrefix, { id, secret }: ApiKey): string => `${prefix}_${id}${secret}`;

export const newKeyId = (random: Random): string => random.hex(ID_BYTES);
export const newKeySecret = (random: Random): string => random.hex(SECRET_BYTES);

/** What is kept of a key's secret. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest();
