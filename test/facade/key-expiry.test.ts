import { expect, it } from '@jest/globals';
import { rfc3339 } from '../../src/base/clock.ts';
import { keyAuthenticator } from '../../src/facade/keys/key-authenticator.ts';
import { makeVirtualClock } from '../support/virtual-clock.ts';
import { startDaemonFacade } from './support/daemon-facade.ts';
import { entry, testKey } from './support/key-records.ts';
import { makeTestKeyRing } from './support/key-ring.ts';
import { openSocket } from './support/socket.ts';

const SECONDS = 60;

it('a terminal that a key opened outlived the key; now it ends when the key expires, and says why', async () => {
  const clock = makeVirtualClock(Date.now());
  const { ring } = makeTestKeyRing(entry(1, { expiresAt: rfc3339(clock.now() + SECONDS * 1000) }));
  const { facade } = await startDaemonFacade({}, { clock, authenticator: keyAuthenticator(ring, clock) });
  const headers = { 'x-api-key': testKey(1).text };
  const terminal = openSocket(facade.url, '/sandboxes/demo/terminal', { headers });
  await terminal.until('start', (received) => received.length > 0);
  await clock.advance((SECONDS - 2) * 1000);
  expect(terminal.socket.readyState).toBe(terminal.socket.OPEN);
  await clock.advance(2000);
  expect(await terminal.closed).toMatchObject({ reason: 'This API key has expired. Ask for a new one.' });
  expect(terminal.received().at(-1)).toMatchObject({
    type: 'problem',
    problem: 'tag:matrx.dev,2026:api-key-expired',
  });
  expect(clock.sleepers()).toBe(0);
});
