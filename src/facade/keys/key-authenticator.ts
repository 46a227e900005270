import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, rfc3339 } from '../../base/clock.ts';
import type { Authenticator } from '../authenticator.ts';
import type { Caller } from '../caller.ts';
import { type ProblemError, problemError } from '../problem.ts';
import { hashSecret, parseApiKey } from './api-key.ts';
import type { Key, KeyRing } from './key-ring.ts';

/** What an unknown id, and a key without a previous secret, are compared with: nothing hashes to it. */
const NOBODY = randomBytes(32);

/**
 * The keys of the Secret. The id finds the key; the hashes of the secret parts are compared in constant time, also where
 * there is no such id, so that ids cannot be found out by measuring.
 */
export const keyAuthenticator =
  (ring: Pick<KeyRing, 'find'>, clock: Pick<Clock, 'now'>): Authenticator =>
  ({ secret }) => {
    const given = parseApiKey(secret);
    if (given === undefined) return Promise.resolve(undefined);
    const key = ring.find(given.id);
    const hash = hashSecret(given.secret);
    const isCurrent = timingSafeEqual(hash, key?.hash ?? NOBODY);
    const isPrevious = timingSafeEqual(hash, key?.previous?.hash ?? NOBODY);
    if (key === undefined || (!isCurrent && !isPrevious)) return Promise.resolve(undefined);
    const expiresAt = isCurrent ? key.expiresAt : earlier(key.expiresAt, key.previous?.expiresAt);
    if (expiresAt !== undefined && expiresAt <= clock.now()) return Promise.reject(expired(isCurrent, expiresAt));
    return Promise.resolve(callerOf(key, expiresAt));
  };

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);

/** Only its holder hears it: whoever guesses hears nothing but that the key is wrong. */
const expired = (isCurrent: boolean, expiresAt: number): ProblemError =>
  problemError(
    'api-key-expired',
    `This API key ${isCurrent ? 'expired' : 'was replaced by another, and stopped being taken,'} at ${rfc3339(expiresAt)}. Ask for a new one.`,
  );

const callerOf = ({ id, users, scopes, limits, ended }: Key, expiresAt: number | undefined): Caller => ({
  kind: 'key',
  id,
  users,
  scopes,
  limits,
  ended,
  ...(expiresAt === undefined ? {} : { expiresAt }),
});
