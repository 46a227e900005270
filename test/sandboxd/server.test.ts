import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { signAccessToken } from '../../src/sandboxd/protocol/access-token.ts';
import { startDaemon } from './support/daemon.ts';

describe('sandboxd', () => {
  test('says to everyone that it is there, and nothing more', async () => {
    const { url } = await startDaemon();
    expect((await fetch(`${url}/health`)).status).toBe(204);
  });

  test('answers nobody without an access token for this very sandbox', async () => {
    const { url, token } = await startDaemon();
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const forged = signAccessToken(stranger, { podUid: 'pod-of-the-test', now: Date.now(), lifetimeMs: 60_000 });
    for (const headers of [{}, { authorization: `Bearer ${forged}` }, { 'x-access-token': forged }]) {
      for (const path of ['/matrx/processes', '/nothing']) {
        expect((await fetch(`${url}${path}`, { headers })).status).toBe(401);
      }
    }
    expect((await fetch(`${url}/nothing`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(404);
  });

  test('lets nobody in where it knows no key', async () => {
    const { fetch: ask } = await startDaemon({ keys: [] });
    expect((await ask('/nothing')).status).toBe(401);
  });
});
