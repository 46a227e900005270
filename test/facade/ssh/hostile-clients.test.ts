import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import ssh2, { type Client, type ClientChannel } from 'ssh2';
import { eventually } from '../../support/eventually.ts';
import { type Access, type SshFacade, startSshFacade } from './support/ssh-facade.ts';

let ssh: SshFacade;
let access: Access;

beforeEach(async () => {
  ssh = await startSshFacade();
  access = await ssh.access();
});

/** The library's own client: no binary asks for what these tests ask for. */
const open = async (): Promise<Client> => {
  const client = new ssh2.Client();
  client.on('error', () => undefined);
  const opened = once(client, 'ready');
  client.connect({ ...login(), port: access.port });
  await opened;
  return client;
};
const login = () => ({ host: '127.0.0.1', username: 'agent', privateKey: access.private_key ?? '' });
const exec = (client: Client, command: string): Promise<ClientChannel> =>
  new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => (error === undefined ? resolve(channel) : reject(error)));
  });
const end = async (client: Client): Promise<void> => {
  const closed = once(client, 'close');
  client.end();
  await closed;
};
const works = async (): Promise<void> => {
  const client = await open();
  const channel = await exec(client, 'echo works');
  const [data] = (await once(channel, 'data')) as [Buffer];
  expect(data.toString()).toBe('works\n');
  await end(client);
};

/** Sends bytes and waits until the gateway has ended the connection, or has nothing to say to a half of something. */
const send = async (bytes: Uint8Array): Promise<void> => {
  const socket = connect(access.port, '127.0.0.1');
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.resume();
  socket.end(bytes);
  await closed;
};

describe('bytes that are no handshake', () => {
  it('of any kind end their own connection, and nothing else', async () => {
    const ident = fc.constantFrom(
      '',
      'SSH-2.0-x\r\n',
      'SSH-1.0-x\r\n',
      'SSH-2.0-OpenSSH_9.6\r\n',
      'GET / HTTP/1.1\r\n\r\n',
    );
    await fc.assert(
      fc.asyncProperty(ident, fc.uint8Array({ maxLength: 2000 }), async (first, bytes) => {
        await send(Buffer.concat([Buffer.from(first), bytes]));
      }),
      { numRuns: 300 },
    );
    await eventually(() => ssh.gateway.connections() === 0);
    await works();
  });

  it('cut off or changed from real ones, before and after the keys are exchanged, do no harm either', async () => {
    const real = await recordHandshake();
    expect(real.length).toBeGreaterThan(1000);
    const change = fc.record({ at: fc.nat({ max: real.length - 1 }), to: fc.nat({ max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 5 }), fc.nat({ max: real.length }), async (changes, length) => {
        const bytes = Buffer.from(real.subarray(0, length));
        for (const { at, to } of changes) if (at < length) bytes.writeUInt8(to, at);
        await send(bytes);
      }),
      { numRuns: 200 },
    );
    await eventually(() => ssh.gateway.connections() === 0);
    await works();
  });

  it('changed on their way inside a live connection end it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 3000 }), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const proxy = await startProxy(at, by);
        const client = new ssh2.Client();
        const closed = new Promise<void>((resolve) => client.on('error', () => resolve()).on('close', () => resolve()));
        client.on('ready', () => client.end());
        client.connect({ ...login(), port: proxy.port });
        await closed;
        await proxy.close();
      }),
      { numRuns: 40 },
    );
    await eventually(() => ssh.gateway.connections() === 0);
    await works();
  });
});

describe('a client that is known', () => {
  it('has so many channels and no more, and gets a new one for each that it ends', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = await open();
    const one = (): Promise<ClientChannel | undefined> =>
      new Promise((resolve) =>
        client.forwardOut('127.0.0.1', 1, '127.0.0.1', port, (error, channel) =>
          resolve(error instanceof Error ? undefined : channel),
        ),
      );
    // All asked for at once: those that are still being opened count, too.
    const asked = await Promise.all(Array.from({ length: 150 }, one));
    const channels = asked.filter((channel) => channel !== undefined);
    expect(channels).toHaveLength(128);
    const [first] = channels;
    if (first !== undefined) {
      const closed = once(first.resume(), 'close');
      first.end();
      await closed;
    }
    expect(await one()).toBeDefined();
    expect(await one()).toBeUndefined();
    await end(client);
    await new Promise((resolve) => server.close(resolve));
  });

  it('that asks for a second program on a channel gets none, and keeps the first', async () => {
    const client = await open();
    const channel = await exec(client, 'cat');
    const raw = client as unknown as {
      readonly _protocol: { exec: (id: number, command: string, reply: boolean) => void };
    };
    const { outgoing } = channel as unknown as { readonly outgoing: { readonly id: number } };
    raw._protocol.exec(outgoing.id, 'echo second', false);
    channel.write('first');
    const [data] = (await once(channel, 'data')) as [Buffer];
    expect(data.toString()).toBe('first');
    await end(client);
  });

  it('that sends beyond its window was kept in memory without an end', async () => {
    const client = await open();
    const channel = await exec(client, 'exec sleep 1000');
    channel.resume().on('error', () => undefined);
    const { outgoing } = channel as unknown as { readonly outgoing: { window: number } };
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    // No divisor of the window: at exactly zero ssh2 would drop what comes.
    const chunk = Buffer.alloc(30_001);
    const flood = setInterval(() => {
      outgoing.window = 1_000_000_000;
      for (let n = 0; n < 32; n++) channel.write(chunk);
    }, 1);
    await closed.finally(() => clearInterval(flood));
    await ssh.facade.untilLogged(({ reason }) => reason === 'it sends more than it may, or reads nothing');
  });

  it('whose program leaves its input alone waits, and the program hears of its leaving', async () => {
    const client = await open();
    const channel = await exec(
      client,
      'trap "echo gone > $HOME/gone; exit" HUP; echo on; while :; do sleep 0.05; done',
    );
    await once(channel, 'data');
    channel.write(Buffer.alloc(1_500_000));
    channel.close();
    const look = await open();
    const check = await exec(look, 'until [ -e gone ]; do sleep 0.05; done; cat gone');
    const [data] = (await once(check, 'data')) as [Buffer];
    expect(data.toString()).toBe('gone\n');
    await end(look);
    await end(client);
  });

  it('gets no subsystem but sftp, no socket of the sandbox, and no port beyond its own', async () => {
    const client = await open();
    const refusal = (act: (done: (error?: Error | null) => void) => void) =>
      new Promise<string>((resolve) => act((error) => resolve(error?.message ?? 'accepted')));
    const asked = await Promise.all([
      refusal((done) => client.subsys('netconf', done)),
      refusal((done) => client.openssh_forwardOutStreamLocal('/var/run/x.sock', done)),
      refusal((done) => client.openssh_forwardInStreamLocal('/tmp/x.sock', done)),
      refusal((done) => client.forwardIn('127.0.0.1', 0, done)),
      refusal((done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 70_000, done)),
      refusal((done) => client.forwardOut('127.0.0.1', 1, 'kubernetes.default', 443, done)),
    ]);
    for (const message of asked) expect(message).not.toBe('accepted');
    await end(client);
  });
});

/** What a client sends until it is in, from its first byte on; only the beginning of it is not encrypted. */
const recordHandshake = async (): Promise<Buffer> => {
  const proxy = await startProxy();
  const client = new ssh2.Client();
  const opened = once(client, 'ready');
  client.connect({ ...login(), port: proxy.port });
  await opened;
  await end(client);
  await proxy.close();
  return Buffer.concat(proxy.sent);
};

/** Between a client and the gateway; changes the byte `at` of what the client sends. */
const startProxy = async (at = -1, by = 0) => {
  const sent: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(access.port, '127.0.0.1');
    let seen = 0;
    for (const one of [socket, onward]) {
      sockets.add(one);
      one.on('error', () => undefined);
    }
    socket.on('data', (data) => {
      const place = at - seen;
      seen += data.length;
      if (place >= 0 && place < data.length) data.writeUInt8((data.readUInt8(place) + by) % 256, place);
      sent.push(data);
      onward.write(data);
    });
    onward.pipe(socket);
    socket.once('close', () => onward.destroy());
    onward.once('close', () => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    sent,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
