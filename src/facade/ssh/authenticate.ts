import { verify } from 'node:crypto';
import type { AuthContext, PublicKeyAuthContext } from 'ssh2';
import type { KeyJudge } from './access-key.ts';
import { findGrant, type Grant } from './grant.ts';
import { isPublicKeyBlob, KEY_TYPE, publicKeyOf } from './openssh-key.ts';
import type { SandboxCache } from '../sandbox-cache.ts';

/** An agent may offer all the keys it has; each that is not known counts. */
export const MAX_TRIES = 20;

/**
 * Answers one attempt of a client to prove who it is, by a public key and nothing else. `onProven` hears what the key opens
 * when that is proven, before the client does. Returns whether it was.
 */
export const authenticate = (
  attempt: AuthContext,
  cache: Pick<SandboxCache, 'get' | 'list'>,
  judge: KeyJudge,
  onProven: (grant: Grant) => void,
): boolean => {
  if (attempt.method !== 'publickey') {
    attempt.reject(['publickey']);
    return false;
  }
  const { key, username } = attempt;
  const isOurs = key.algo === KEY_TYPE && isPublicKeyBlob(key.data);
  const publicKey = `${KEY_TYPE} ${key.data.toString('base64')}`;
  const grant = isOurs ? findGrant(cache, { username, publicKey }, judge) : undefined;
  if (grant === undefined || !isSigned(attempt)) {
    attempt.reject(['publickey']);
    return false;
  }
  // Without a signature the client only asks whether it is worth to sign.
  const isProven = attempt.signature !== undefined;
  if (isProven) onProven(grant);
  attempt.accept();
  return isProven;
};

const isSigned = ({ key, signature, blob }: PublicKeyAuthContext): boolean => {
  if (signature === undefined) return true;
  return blob !== undefined && verify(null, blob, publicKeyOf(key.data), signature);
};
