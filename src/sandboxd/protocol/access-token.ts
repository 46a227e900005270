import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { TOKEN_ISSUER } from './names.ts';

/**
 * What lets the facade, and nobody else, into one sandbox: a JWT (RFC 7519) signed with Ed25519 (RFC 8037). The sandbox
 * holds only the public key, so nothing in it can make a token, for itself or for another. `aud` is the pod's uid: a
 * token for one pod is of no use at any other, whichever has its address or its name later.
 */
interface Claims {
  readonly iss: string;
  readonly aud: string;
  /** Seconds since 1970. */
  readonly exp: number;
}

const HEADER = encode({ alg: 'EdDSA', typ: 'JWT' });
/** Two machines' clocks differ by so much at most, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;
/** A longer one is none of ours. */
const MAX_LENGTH = 1024;

/** `now` and `lifetimeMs` in milliseconds. */
export const signAccessToken = (
  key: KeyObject,
  { podUid, now, lifetimeMs }: { readonly podUid: string; readonly now: number; readonly lifetimeMs: number },
): string => {
  const claims: Claims = { iss: TOKEN_ISSUER, aud: podUid, exp: Math.floor((now + lifetimeMs) / 1000) };
  const signed = `${HEADER}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key).toString('base64url')}`;
};

/** Why a token is not accepted, undefined where it is. Never throws. */
export const accessTokenFault = (
  keys: readonly KeyObject[],
  token: string,
  { podUid, now }: { readonly podUid: string; readonly now: number },
): string | undefined => {
  const [header, payload, signature, ...more] = token.length > MAX_LENGTH ? [] : token.split('.');
  if (header !== HEADER || payload === undefined || signature === undefined || more.length > 0) {
    return 'it is not an access token of this product';
  }
  const signed = Buffer.from(`${header}.${payload}`);
  const bytes = Buffer.from(signature, 'base64url');
  if (!keys.some((key) => verify(null, signed, key, bytes))) return 'it is signed with an unknown key';
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Claims;
  if (claims.iss !== TOKEN_ISSUER || claims.aud !== podUid) return 'it is for another sandbox';
  return claims.exp * 1000 + CLOCK_SKEW_MS < now ? 'it has expired' : undefined;
};

/** A public key as it stands in a variable: base64 of its DER (SPKI). Throws where it is none. */
export const parsePublicKey = (text: string): KeyObject =>
  createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });

export const formatPublicKey = (key: KeyObject): string =>
  key.export({ format: 'der', type: 'spki' }).toString('base64');

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
