import { createHash, timingSafeEqual } from 'node:crypto';
import { type Caller, SCOPES } from './caller.ts';

/** What a request brings to prove who it is from. */
export interface Credential {
  /** Of the API key's own header, or `Authorization: Bearer`. */
  readonly secret: string;
  readonly clientIp: string;
}

/**
 * Says who a credential belongs to, undefined where it is nobody's. Throws a ProblemError where that cannot be found
 * out now.
 */
export type Authenticator = (credential: Credential, signal: AbortSignal) => Promise<Caller | undefined>;

/** The one key of the configuration, which may do everything for everyone. */
export const staticKeyAuthenticator = (apiKey: string): Authenticator => {
  const expected = sha256(apiKey);
  const caller: Caller = { kind: 'key', id: 'configured', users: undefined, scopes: new Set(SCOPES) };
  // Hashes are compared, in constant time: neither the key's length nor its beginning can be found out by measuring.
  return ({ secret }) => Promise.resolve(timingSafeEqual(sha256(secret), expected) ? caller : undefined);
};

/** Where no key is configured. */
export const nobody: Authenticator = () => Promise.resolve(undefined);

/** The first that knows the credential. */
export const firstOf =
  (authenticators: readonly Authenticator[]): Authenticator =>
  async (credential, signal) => {
    for (const authenticate of authenticators) {
      const caller = await authenticate(credential, signal);
      if (caller !== undefined) return caller;
    }
    return undefined;
  };

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
