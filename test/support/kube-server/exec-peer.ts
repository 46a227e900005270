import { createHash } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** The server's end of one `pods/exec` WebSocket (RFC 6455, just enough of it: whole binary frames). */
export interface ExecPeer {
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  /** Everything the client has sent so far, by channel; channel 255 closes another. */
  readonly received: () => readonly { readonly channel: number; readonly data: Buffer }[];
  readonly send: (channel: number, data: string | Buffer) => void;
  readonly cut: () => void;
  readonly closed: Promise<void>;
}

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const BINARY = 0x82;
const CLOSE = 0x88;

/** Accepts WebSockets on an HTTP server with `protocol`, one of those the client offers. */
export const acceptExec = (server: Server, protocol: string, onPeer: (peer: ExecPeer) => void): void => {
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${MAGIC}`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    );
    const received: { channel: number; data: Buffer }[] = [];
    let buffered = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (let frame = readFrame(buffered); frame !== undefined; frame = readFrame(buffered)) {
        buffered = buffered.subarray(frame.size);
        if (frame.opcode === CLOSE) {
          socket.end(Buffer.from([CLOSE, 2, 0x03, 0xe8]));
        } else received.push({ channel: frame.payload[0] ?? -1, data: frame.payload.subarray(1) });
      }
    });
    onPeer({
      url: new URL(request.url ?? '/', 'http://server'),
      headers: request.headers,
      received: () => received,
      send: (channel, data) => {
        socket.write(writeFrame(Buffer.concat([Buffer.from([channel]), Buffer.from(data)])));
      },
      cut: () => socket.destroy(),
      closed: new Promise<void>((resolve) => socket.on('close', () => resolve())),
    });
  });
};

const writeFrame = (payload: Buffer): Buffer => {
  if (payload.length < 126) return Buffer.concat([Buffer.from([BINARY, payload.length]), payload]);
  const header = Buffer.alloc(4);
  header.writeUInt8(BINARY, 0);
  header.writeUInt8(126, 1);
  header.writeUInt16BE(payload.length, 2);
  return Buffer.concat([header, payload]);
};

/** One masked frame, or undefined where it is not complete yet. */
const readFrame = (
  bytes: Buffer,
): { readonly opcode: number; readonly payload: Buffer; readonly size: number } | undefined => {
  if (bytes.length < 6) return undefined;
  const short = bytes.readUInt8(1) & 0x7f;
  const start = short === 126 ? 4 : 2;
  const length = short === 126 ? bytes.readUInt16BE(2) : short;
  const size = start + 4 + length;
  if (bytes.length < size) return undefined;
  const mask = bytes.subarray(start, start + 4);
  const payload = bytes.subarray(start + 4, size).map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return { opcode: bytes.readUInt8(0), payload: Buffer.from(payload), size };
};
