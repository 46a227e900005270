import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { joinStreams } from '../../src/base/join-streams.ts';
import { endWithRequest } from '../../src/facade/ports/end-with-request.ts';
import { ClientGone } from '../../src/facade/request-state.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { startDaemonFacade } from './support/daemon-facade.ts';
import { API_KEY } from './support/facade.ts';

let clock: VirtualClock;
let shutdown: AbortController;

beforeEach(() => {
  clock = makeVirtualClock();
  shutdown = new AbortController();
});
afterEach(() => {
  expect(clock.sleepers()).toBe(0);
});

/** One end of a connection, in memory: what it hears stays unread until `read`. */
const makeEnd = () => {
  const heard: string[] = [];
  const unread: (() => void)[] = [];
  let reads = false;
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      const take = (): void => {
        heard.push(chunk.toString());
        done();
      };
      if (reads) take();
      else unread.push(take);
    },
  });
  return {
    stream,
    heard,
    read: (): void => {
      reads = true;
      for (const take of unread.splice(0)) take();
    },
  };
};

/** A client and a port as a WebSocket to a port has them; the port has said all that it will. */
const joined = () => {
  const [client, port] = [makeEnd(), makeEnd()];
  client.read();
  const gone = new AbortController();
  client.stream.once('close', () => gone.abort(new ClientGone()));
  joinStreams(client.stream, port.stream);
  const signal = AbortSignal.any([gone.signal, shutdown.signal]);
  endWithRequest({ clock, shutdown: shutdown.signal }, signal, { client: client.stream, port: port.stream });
  return { client, port };
};

describe('the last words of a client were cut where the port had ended its side before; now', () => {
  it('the port reads all of them, and then the connection is over', async () => {
    const { client, port } = joined();
    port.stream.push(null);
    await once(client.stream, 'finish');
    for (const words of ['one', 'two', 'three']) client.stream.push(words);
    client.stream.push(null);
    await once(client.stream, 'close');
    expect(port.stream.destroyed).toBe(false);
    const closed = once(port.stream, 'close');
    port.read();
    await closed;
    expect(port.heard).toEqual(['one', 'two', 'three']);
  });

  it('a port that reads none of them is left after a minute, or when the server stops', async () => {
    for (const leave of [() => clock.advance(60_000), () => Promise.resolve(shutdown.abort())]) {
      const { client, port } = joined();
      port.stream.push(null);
      await once(client.stream, 'finish');
      client.stream.push('unread');
      client.stream.push(null);
      await once(client.stream, 'close');
      const closed = once(port.stream, 'close');
      await leave();
      await closed;
    }
  });

  it('but a client that breaks off is no client that has said all', async () => {
    const { client, port } = joined();
    client.stream.push('half of');
    const closed = once(port.stream, 'close');
    client.stream.destroy();
    await closed;
    expect(port.heard).toEqual([]);
  });
});

it('a program that has said all hears all of what its client says after that', async () => {
  const { facade } = await startDaemonFacade();
  const heard = Promise.withResolvers<string>();
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    socket.once('data', () => {
      socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nall');
      text(socket).then(heard.resolve, heard.reject);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port: Number(new URL(facade.url).port), allowHalfOpen: true });
  client.write(
    `GET /sandboxes/demo/ports/${port}/ HTTP/1.1\r\nHost: a\r\nX-API-Key: ${API_KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  // Up to the end of the program's side.
  expect(await text(client)).toMatch(/all$/);
  client.end('x'.repeat(3_000_000));
  expect(await heard.promise).toHaveLength(3_000_000);
  await new Promise((resolve) => server.close(resolve));
});
