import { createHmac } from 'node:crypto';

/** A key of an endpoint, as bytes. */
export type SigningKey = Uint8Array;

/** `whsec_` and base64 of 24 to 64 bytes; undefined for anything else. */
export const signingKey = (text: string): SigningKey | undefined => {
  const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text.trim())?.[1];
  if (base64 === undefined) return undefined;
  const key = Buffer.from(base64, 'base64');
  return key.length >= 24 && key.length <= 64 ? key : undefined;
};

export interface SignedMessage {
  readonly id: string;
  /** Seconds since the epoch, of this attempt. */
  readonly timestamp: number;
  readonly body: string;
}

/**
 * The headers of the Standard Webhooks scheme
 * (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md): an HMAC-SHA256 over
 * id, timestamp and body, one for each key, so that a receiver may have the old one or the new one.
 */
export const signatureHeaders = (
  { id, timestamp, body }: SignedMessage,
  keys: readonly SigningKey[],
): Readonly<Record<string, string>> => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': keys
    .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`)
    .join(' '),
});
