import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { systemClock } from '../../../src/base/clock.ts';
import { makeDaemonConnections } from '../../../src/facade/daemon/connections.ts';
import { DaemonError } from '../../../src/sandboxd/protocol/problem.ts';

/** Whoever is the agent in a sandbox can put a program of their own in the daemon's place. */
test('an error without an end is not read to the end', async () => {
  const pieces = Buffer.alloc(65_536, 'x');
  let answered: ServerResponse | undefined;
  const server = createServer((_request, response) => {
    answered = response;
    response.writeHead(400);
    const more = (): void => {
      while (!response.destroyed && response.write(pieces));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connections = makeDaemonConnections({
    privateKey: generateKeyPairSync('ed25519').privateKey,
    clock: systemClock,
    port: (server.address() as AddressInfo).port,
  });
  const target = { podIP: '127.0.0.1', podUid: 'uid' };
  const request = { method: 'GET' as const, path: '/matrx/processes', signal: AbortSignal.timeout(30_000) };
  await expect(connections.request(target, request)).rejects.toThrow(DaemonError);
  if (answered?.destroyed === false) await once(answered, 'close');
  expect(answered?.destroyed).toBe(true);
  connections.close();
  await new Promise((resolve) => server.close(resolve));
});
