import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { makeTickets, type Ticket } from '../../src/facade/ticket.ts';
import { accessTokenFault, signAccessToken } from '../../src/sandboxd/protocol/access-token.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const NOW = Date.UTC(2026, 0, 1);
const at = (now: number) => makeTickets({ privateKey, clock: { now: () => now } });
const TICKET: Ticket = { sandboxUid: 'uid-1', scope: 'port:3000', expiresAt: NOW + 60_000 };

describe('a ticket', () => {
  test('is read by any replica, until it expires', () => {
    const text = at(NOW).issue(TICKET);
    expect(at(NOW).read(text)).toEqual(TICKET);
    expect(at(NOW + 59_999).read(text)).toEqual(TICKET);
    expect(at(NOW + 60_000).read(text)).toBeUndefined();
  });

  test('of another key, changed, or none at all, is none', () => {
    const text = at(NOW).issue(TICKET);
    const other = makeTickets({ privateKey: generateKeyPairSync('ed25519').privateKey, clock: { now: () => NOW } });
    expect(other.read(text)).toBeUndefined();
    for (const changed of ['', 'a.b.c', '..', `${text}.x`, 'x'.repeat(10_000), text.slice(0, -3), text.toUpperCase()]) {
      expect(at(NOW).read(changed)).toBeUndefined();
    }
    const [header, , signature] = text.split('.');
    const payload = Buffer.from(JSON.stringify({ aud: 'uid-2', scope: 'terminal', exp: 9e9 })).toString('base64url');
    expect(at(NOW).read(`${header}.${payload}.${signature}`)).toBeUndefined();
  });

  test('lets nobody into a daemon, and a daemon’s access token is no ticket: the same key signs both', () => {
    const ticket = at(NOW).issue({ ...TICKET, sandboxUid: 'pod-1' });
    expect(accessTokenFault([publicKey], ticket, { podUid: 'pod-1', now: NOW })).toBeDefined();
    const token = signAccessToken(privateKey, { podUid: 'uid-1', now: NOW, lifetimeMs: 60_000 });
    expect(at(NOW).read(token)).toBeUndefined();
  });
});
