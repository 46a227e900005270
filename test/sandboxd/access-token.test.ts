import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import {
  accessTokenFault,
  formatPublicKey,
  parsePublicKey,
  signAccessToken,
} from '../../src/sandboxd/protocol/access-token.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519');
const NOW = Date.UTC(2026, 0, 1);
const token = signAccessToken(privateKey, { podUid: 'pod-1', now: NOW, lifetimeMs: 600_000 });
const fault = (given: string, { podUid = 'pod-1', now = NOW, keys = [publicKey] } = {}) =>
  accessTokenFault(keys, given, { podUid, now });

describe('an access token', () => {
  test('lets its bearer into the sandbox that it was made for', () => {
    expect(fault(token)).toBeUndefined();
    expect(fault(token, { keys: [other.publicKey, publicKey] })).toBeUndefined();
    expect(fault(token, { keys: [parsePublicKey(formatPublicKey(publicKey))] })).toBeUndefined();
  });

  test('is of no use at another pod, also one that has the address or the name of the first', () => {
    expect(fault(token, { podUid: 'pod-2' })).toBe('it is for another sandbox');
  });

  test('ends, with a minute for clocks that differ', () => {
    expect(fault(token, { now: NOW + 659_000 })).toBeUndefined();
    expect(fault(token, { now: NOW + 661_000 })).toBe('it has expired');
  });

  test('signed by anyone else is refused, and so is every token where no key is known', () => {
    expect(fault(token, { keys: [other.publicKey] })).toBe('it is signed with an unknown key');
    expect(fault(token, { keys: [] })).toBe('it is signed with an unknown key');
  });

  test.each([
    '',
    'a',
    'a.b.c',
    '..',
    token.replace(/^[^.]+/, Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')),
    `${token}.x`,
    'x'.repeat(10_000),
  ])('that is none is refused without a throw: %#', (given) => {
    expect(fault(given)).toBe('it is not an access token of this product');
  });

  test('changed by one character anywhere is refused', () => {
    for (let at = 0; at < token.length - 1; at++) {
      if (token[at] === '.') continue;
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
      expect(fault(changed)).toBeDefined();
    }
  });
});
