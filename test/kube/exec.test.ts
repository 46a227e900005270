import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ExecTarget, KubeClient } from '../../src/kube/client.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { eventually } from '../support/eventually.ts';
import { type Inbox, makeInbox } from '../support/inbox.ts';
import { acceptExec, type ExecPeer } from '../support/kube-server/exec-peer.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

const V5 = 'v5.channel.k8s.io';
const [STDOUT, STDERR, STATUS] = [1, 2, 3];
const SUCCESS = JSON.stringify({ kind: 'Status', status: 'Success' });
const TARGET: ExecTarget = { namespace: 'sandboxes', pod: 'demo', container: 'sandbox', command: ['sh', '-c', 'a b'] };
const OPTIONS = { timeoutMs: 5000, maxBytes: 10 };

let server: KubeServer;
let clock: VirtualClock;
let client: KubeClient;
let peers: Inbox<ExecPeer>;

beforeEach(async () => {
  server = await startKubeServer();
  clock = makeVirtualClock();
  const access = directAccess(server.url, { headers: { Authorization: 'Bearer token' } });
  client = makeKubeClient({ access, clock });
  peers = makeInbox('exec connection');
});

afterEach(async () => {
  await client.close();
  await eventually(() => server.connections() === 0);
  await server.close();
  expect(clock.sleepers()).toBe(0);
});

const serve = (protocol = V5): void => acceptExec(server.http, protocol, peers.push);

const exitWith = (code: number): string =>
  JSON.stringify({
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  });

describe('exec', () => {
  it('asks for the command with the client’s credentials, and gives both streams and the exit code', async () => {
    serve();
    const result = client.exec(TARGET, OPTIONS);
    const peer = await peers.next();
    expect(peer.url.pathname).toBe('/api/v1/namespaces/sandboxes/pods/demo/exec');
    expect([...peer.url.searchParams]).toEqual([
      ['container', 'sandbox'],
      ['command', 'sh'],
      ['command', '-c'],
      ['command', 'a b'],
      ['stdin', 'false'],
      ['stdout', 'true'],
      ['stderr', 'true'],
      ['tty', 'false'],
    ]);
    expect(peer.headers['authorization']).toBe('Bearer token');
    expect(peer.headers['sec-websocket-protocol']?.split(',')[0]).toBe(V5);
    for (const channel of [STDOUT, STDERR, STATUS]) peer.send(channel, '');
    peer.send(STDOUT, 'na');
    peer.send(STDERR, 'oops');
    peer.send(STDOUT, 'ïve');
    peer.send(STATUS, exitWith(3));
    expect(await result).toEqual({
      exitCode: 3,
      stdout: Buffer.from('naïve'),
      stderr: Buffer.from('oops'),
      truncated: false,
    });
    await peer.closed;
  });

  it('cuts each stream at its limit and says so', async () => {
    serve();
    const result = client.exec(TARGET, OPTIONS);
    const peer = await peers.next();
    for (const part of ['12345', '67890', 'more', 'and more']) peer.send(STDOUT, part);
    peer.send(STATUS, SUCCESS);
    expect(await result).toMatchObject({ exitCode: 0, stdout: Buffer.from('1234567890'), truncated: true });
  });

  it('sends stdin and its end', async () => {
    serve();
    const result = client.exec({ ...TARGET, stdin: 'input' }, OPTIONS);
    const peer = await peers.next();
    await eventually(() => peer.received().length === 2);
    expect(peer.received()).toEqual([
      { channel: 0, data: Buffer.from('input') },
      { channel: 255, data: Buffer.from([0]) },
    ]);
    peer.send(STATUS, SUCCESS);
    expect(await result).toMatchObject({ exitCode: 0 });
  });

  it('refuses stdin where the server’s protocol cannot end it', async () => {
    serve('v4.channel.k8s.io');
    const result = client.exec({ ...TARGET, stdin: 'input' }, OPTIONS);
    await expect(result).rejects.toMatchObject({
      reason: 'BadRequest',
      message: expect.stringContaining('v4.channel'),
    });
    await (
      await peers.next()
    ).closed;
  });

  it('drops the connection at its deadline', async () => {
    serve();
    const result = expect(client.exec(TARGET, OPTIONS)).rejects.toMatchObject({ reason: 'Timeout' });
    const peer = await peers.next();
    await clock.advance(5000);
    await result;
    await peer.closed;
  });

  it('drops the connection when the caller gives up', async () => {
    serve();
    const controller = new AbortController();
    const exec = client.exec(TARGET, { ...OPTIONS, signal: controller.signal });
    const result = expect(exec).rejects.toMatchObject({ reason: 'Aborted' });
    const peer = await peers.next();
    controller.abort();
    await result;
    await peer.closed;
  });

  it('is Unreachable when the connection ends before the command, or nobody listens', async () => {
    serve();
    const result = client.exec(TARGET, OPTIONS);
    (await peers.next()).cut();
    await expect(result).rejects.toMatchObject({ reason: 'Unreachable' });
    await server.close();
    await expect(client.exec(TARGET, OPTIONS)).rejects.toMatchObject({ reason: 'Unreachable' });
  });

  it('gives the server’s own reason when it refuses', async () => {
    const result = client.exec(TARGET, OPTIONS);
    (await server.take('GET')).status(404, 'NotFound', 'pods "demo" not found');
    await expect(result).rejects.toMatchObject({ reason: 'NotFound', code: 404, message: 'pods "demo" not found' });
  });

  it.each([
    [JSON.stringify({ status: 'Failure', code: 500, message: 'no such program' }), 'no such program'],
    ['nonsense', 'the exit status is no JSON'],
  ])('is a ServerError when the command could not run: %s', async (status, message) => {
    serve();
    const result = client.exec(TARGET, OPTIONS);
    (await peers.next()).send(STATUS, status);
    await expect(result).rejects.toMatchObject({ reason: 'ServerError', message: expect.stringContaining(message) });
  });
});
