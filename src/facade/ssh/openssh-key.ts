import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';

/** The only type of key that is made, and taken. */
export const KEY_TYPE = 'ssh-ed25519';

/** The public half as it goes over the wire (RFC 8709): its type and 32 bytes. `key` is Ed25519, of either half. */
export const publicKeyBlob = (key: KeyObject): Buffer => {
  const { x = '' } = key.export({ format: 'jwk' });
  return Buffer.concat([field(KEY_TYPE), field(Buffer.from(x, 'base64url'))]);
};

/** `ssh-ed25519 AAAA…`, as in authorized_keys and known_hosts. */
export const publicKeyLine = (key: KeyObject): string => `${KEY_TYPE} ${publicKeyBlob(key).toString('base64')}`;

/** As `ssh-keygen -l` shows it. `line` is a publicKeyLine. */
export const fingerprintOf = (line: string): string => {
  const blob = Buffer.from(line.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
};

/** The key of a publicKeyBlob. Throws where that is none. */
export const publicKeyOf = (blob: Buffer): KeyObject =>
  createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: blob.subarray(-32).toString('base64url') },
    format: 'jwk',
  });

/** The publicKeyLine of a line of a person's `.pub` file, whose comment is left out; undefined where it is no such key. */
export const readPublicKey = (text: string): string | undefined => {
  const [type, encoded = ''] = text.trim().split(/[ \t]+/);
  if (type !== KEY_TYPE) return undefined;
  const blob = Buffer.from(encoded, 'base64');
  return isPublicKeyBlob(blob) && blob.toString('base64') === encoded ? `${KEY_TYPE} ${encoded}` : undefined;
};

/** Whether it is a key of that type to the last byte: what is recorded is written so. */
export const isPublicKeyBlob = (data: Buffer): boolean => {
  try {
    return publicKeyBlob(publicKeyOf(data)).equals(data);
  } catch {
    return false;
  }
};

const PEM_COLUMNS = 70;
/** A cipher's block; without a cipher it is 8. */
const BLOCK_BYTES = 8;

/**
 * A private key without a passphrase in OpenSSH's own format, which every ssh program reads:
 * https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.key. `key` is Ed25519.
 */
export const privateKeyPem = (key: KeyObject, comment: string): string => {
  const blob = publicKeyBlob(key);
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const secret = Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]);
  // Twice the same four bytes, for whoever decrypts to see that it was the right key: any will do where nothing is.
  const check = blob.subarray(-4);
  const inner = Buffer.concat([check, check, blob, field(secret), field(comment)]);
  const padding = Buffer.from(Array.from({ length: -inner.length & (BLOCK_BYTES - 1) }, (_, n) => n + 1));
  const whole = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    field('none'),
    field('none'),
    field(''),
    uint32(1),
    field(blob),
    field(Buffer.concat([inner, padding])),
  ]);
  const lines = whole.toString('base64').match(new RegExp(`.{1,${PEM_COLUMNS}}`, 'g')) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join('\n');
};

/** PKCS #8 of an Ed25519 key (RFC 8410) up to its 32 bytes. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The gateway's own key: the same in every replica, and another one than the facade's, which it does not reveal. */
export const deriveHostKey = (facadeKey: KeyObject): KeyObject => {
  const { d = '' } = facadeKey.export({ format: 'jwk' });
  const seed = hkdfSync('sha256', Buffer.from(d, 'base64url'), Buffer.alloc(0), 'matrx-sandbox ssh host key', 32);
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, Buffer.from(seed)]), format: 'der', type: 'pkcs8' });
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A `string` of RFC 4251. */
const field = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
};
