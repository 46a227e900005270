import { type RawData, type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import type { Clock } from '../../base/clock.ts';
import { problemError } from '../problem.ts';
import { ClientGone } from '../request-state.ts';
import type { UpgradeRequest } from '../route.ts';
import { SILENT_MS, type SocketClose } from './close-code.ts';

/** What browsers have to ask for beside a key among the subprotocols, as a server must choose one of them. */
export const SUBPROTOCOL = 'matrx.v1';

export interface SocketMessage {
  readonly binary: boolean;
  readonly data: Buffer;
}

/** A WebSocket that neither side can flood: nothing more is sent or read before the last has been. */
export interface Channel {
  /** Bytes as a binary message, a value as JSON in a text message. Resolves when it is on its way; rejects with ClientGone. */
  readonly send: (message: Buffer | object) => Promise<void>;
  readonly close: (close: SocketClose) => void;
  /** Aborts when the connection is over, with ClientGone. */
  readonly closed: AbortSignal;
}

/** More than a client has a reason to send at once. */
const MAX_MESSAGE_BYTES = 1 << 20;
const PING_MS = 20_000;
/** How long a client may take to read what is on its way when the socket is closed. */
const CLOSE_TIMEOUT_MS = 600_000;

// Takes connections over, and listens to nothing itself.
const options: ServerOptions & { readonly closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  maxPayload: MAX_MESSAGE_BYTES,
  closeTimeout: CLOSE_TIMEOUT_MS,
  handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
};
const server = new WebSocketServer(options);

/**
 * Completes the handshake. `onMessage` is called with one message after the other; while its promise is open nothing
 * more is read from the client.
 */
export const openChannel = async (
  { request, socket, head }: Pick<UpgradeRequest, 'request' | 'socket' | 'head'>,
  clock: Clock,
  onMessage: (message: SocketMessage, channel: Channel) => Promise<void>,
): Promise<Channel> => {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    throw problemError('bad-request', 'This takes only Upgrade: websocket');
  }
  return new Promise((resolve, reject) => {
    // Where the handshake is wrong, `ws` says so to the client and ends the connection.
    socket.once('close', () => reject(new ClientGone()));
    // Listened to at once: the first message may have come with the handshake.
    server.handleUpgrade(request, socket, head, (websocket) => resolve(makeChannel(websocket, clock, onMessage)));
  });
};

const makeChannel = (
  websocket: WebSocket,
  clock: Clock,
  onMessage: (message: SocketMessage, channel: Channel) => Promise<void>,
): Channel => {
  const closed = new AbortController();
  websocket.once('close', () => closed.abort(new ClientGone()));
  // `close` comes behind it.
  websocket.on('error', () => undefined);
  let lastSign = clock.monotonic();
  const sign = (): void => {
    lastSign = clock.monotonic();
  };
  const channel: Channel = {
    send: async (message) => {
      await new Promise<void>((resolve, reject) => {
        websocket.send(Buffer.isBuffer(message) ? message : JSON.stringify(message), (error) => {
          // A client that takes what it is sent is alive, however slowly it reads: its pong comes behind all of that.
          sign();
          if (error === undefined || error === null) resolve();
          else reject(new ClientGone({ cause: error }));
        });
      });
    },
    close: ({ code, reason }) => websocket.close(code, reason),
    closed: closed.signal,
  };
  websocket.on('pong', sign);
  receive(websocket, async (message) => {
    sign();
    await onMessage(message, channel);
  });
  void watch(websocket, clock, closed.signal, () => clock.monotonic() - lastSign > SILENT_MS);
  return channel;
};

/** One message after the other. Several may have come with one packet: they wait in the promise chain. */
const receive = (websocket: WebSocket, take: (message: SocketMessage) => Promise<void>): void => {
  let waiting = 0;
  let last = Promise.resolve();
  websocket.on('message', (data: RawData, binary: boolean) => {
    waiting += 1;
    websocket.pause();
    last = next(last, { binary, data: toBuffer(data) });
  });
  const next = async (before: Promise<void>, message: SocketMessage): Promise<void> => {
    await before;
    try {
      await take(message);
    } catch {
      // Whoever takes messages has answered for them.
    }
    waiting -= 1;
    if (waiting === 0) websocket.resume();
  };
};

/** Pings keep the proxies on the way from closing what is silent, and find out who is gone without a word. */
const watch = async (
  websocket: WebSocket,
  clock: Clock,
  closed: AbortSignal,
  isSilent: () => boolean,
): Promise<void> => {
  try {
    for (;;) {
      await clock.sleep(PING_MS, closed);
      // Behind what is not even sent yet, a ping would say nothing.
      if (websocket.bufferedAmount > 0) continue;
      if (isSilent()) websocket.terminate();
      else websocket.ping();
    }
  } catch {
    // Closed.
  }
};

const toBuffer = (data: RawData): Buffer => {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
};
