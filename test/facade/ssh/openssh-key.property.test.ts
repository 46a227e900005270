import { createPrivateKey, createPublicKey } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import ssh2 from 'ssh2';
import {
  deriveHostKey,
  fingerprintOf,
  privateKeyPem,
  publicKeyBlob,
  publicKeyLine,
  readPublicKey,
} from '../../../src/facade/ssh/openssh-key.ts';
import { runProgram } from './support/openssh.ts';

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });
const keyOf = (bytes: Uint8Array) =>
  createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: 'der', type: 'pkcs8' });
const comment = fc.string({ unit: fc.constantFrom('a', 'Z', '-', '0', '9', '_', '@'), maxLength: 40 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'matrx-ssh-key-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a key in OpenSSH’s format', () => {
  it('is read by ssh-keygen, which finds the same public half, comment and fingerprint [A1.11]', async () => {
    const path = join(folder, 'key');
    await fc.assert(
      fc.asyncProperty(seed, comment, async (bytes, text) => {
        const key = keyOf(bytes);
        writeFileSync(path, privateKeyPem(key, text));
        chmodSync(path, 0o600);
        const line = publicKeyLine(key);
        const public_ = await runProgram('ssh-keygen', ['-y', '-P', '', '-f', path]);
        expect(public_).toEqual({ code: 0, stdout: `${[line, text].join(' ').trimEnd()}\n`, stderr: '' });
        const listed = await runProgram('ssh-keygen', ['-l', '-f', path]);
        expect(listed.stdout.split(' ').slice(0, 2)).toEqual(['256', fingerprintOf(line)]);
      }),
      { numRuns: 40 },
    );
  });

  it('is read by ssh2, whose signature the public half checks', () => {
    fc.assert(
      fc.property(seed, comment, fc.uint8Array(), (bytes, text, message) => {
        const parsed = ssh2.utils.parseKey(privateKeyPem(keyOf(bytes), text));
        if (parsed instanceof Error) throw parsed;
        const [one = parsed] = [parsed].flat();
        if (Array.isArray(one)) throw new Error('more than one key');
        const signature = one.sign(Buffer.from(message));
        const check = ssh2.utils.parseKey(publicKeyLine(keyOf(bytes)));
        if (check instanceof Error || Array.isArray(check)) throw new Error('the public half is not read');
        expect(check.verify(Buffer.from(message), signature)).toBe(true);
      }),
    );
  });
});

describe('a public key', () => {
  it('is taken in any spacing and with any comment, and kept without', () => {
    fc.assert(
      fc.property(seed, comment, (bytes, text) => {
        const line = publicKeyLine(createPublicKey(keyOf(bytes)));
        expect(readPublicKey(` ${line.replace(' ', '\t ')}  ${text}\n`)).toBe(line);
      }),
    );
  });

  it('is none of any other text, and nothing throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 60 }), (text, bytes) => {
        expect(readPublicKey(text)).toBeUndefined();
        expect(readPublicKey(`ssh-ed25519 ${Buffer.from(bytes).toString('base64')}`)).toBeUndefined();
      }),
    );
  });

  it('with one bit of its frame changed is none', () => {
    fc.assert(
      fc.property(seed, fc.nat({ max: 18 }), fc.nat({ max: 7 }), (bytes, at, bit) => {
        const blob = publicKeyBlob(keyOf(bytes));
        blob.writeUInt8(blob.readUInt8(at) ^ (1 << bit), at);
        expect(readPublicKey(`ssh-ed25519 ${blob.toString('base64')}`)).toBeUndefined();
      }),
    );
  });
});

it('the host key follows from the facade’s key, and is another', () => {
  fc.assert(
    fc.property(seed, (bytes) => {
      const key = keyOf(bytes);
      expect(publicKeyLine(deriveHostKey(key))).toBe(publicKeyLine(deriveHostKey(keyOf(bytes))));
      expect(publicKeyLine(deriveHostKey(key))).not.toBe(publicKeyLine(key));
    }),
  );
});
