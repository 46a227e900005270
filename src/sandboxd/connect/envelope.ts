import type { IncomingMessage } from 'node:http';
import { DaemonError } from '../protocol/problem.ts';
import type { ConnectMessage } from './message.ts';

/** flags (1 byte) | length (4 bytes, big-endian) | JSON: https://connectrpc.com/docs/protocol#streaming-request */
const HEADER_BYTES = 5;
export const END_OF_STREAM = 0b10;
const COMPRESSED = 0b01;
const MAX_MESSAGE_BYTES = 4 << 20;

export const encodeEnvelope = (flags: number, value: unknown): Buffer => {
  const json = Buffer.from(JSON.stringify(value));
  const envelope = Buffer.allocUnsafe(HEADER_BYTES + json.length);
  envelope.writeUInt8(flags, 0);
  envelope.writeUInt32BE(json.length, 1);
  json.copy(envelope, HEADER_BYTES);
  return envelope;
};

/** The one message of a server-streaming request. Throws `invalid_argument`, `resource_exhausted`, `unimplemented`. */
export const readEnvelope = async (request: IncomingMessage): Promise<ConnectMessage> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > HEADER_BYTES + MAX_MESSAGE_BYTES) throw new DaemonError('resource_exhausted', 'the body is too large');
    chunks.push(chunk);
  }
  const body = Buffer.concat(chunks);
  if (body.length < HEADER_BYTES || body.readUInt32BE(1) !== body.length - HEADER_BYTES) {
    throw new DaemonError('invalid_argument', 'the body is not one enveloped message');
  }
  return openEnvelope(body);
};

/** The messages of a client-streaming request, as they come. Throws as readEnvelope does. */
export async function* readEnvelopes(request: IncomingMessage): AsyncGenerator<ConnectMessage> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of request as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32BE(1);
      if (end > HEADER_BYTES + MAX_MESSAGE_BYTES) throw new DaemonError('resource_exhausted', 'a message is too large');
      if (rest.length < end) break;
      const envelope = rest.subarray(0, end);
      rest = rest.subarray(end);
      if ((envelope.readUInt8(0) & END_OF_STREAM) !== 0) return;
      yield openEnvelope(envelope);
    }
  }
  if (rest.length > 0) throw new DaemonError('invalid_argument', 'the body ends within a message');
}

const openEnvelope = (envelope: Buffer): ConnectMessage => {
  if ((envelope.readUInt8(0) & COMPRESSED) !== 0) {
    throw new DaemonError('unimplemented', 'compression is not supported');
  }
  let value: unknown;
  try {
    value = JSON.parse(envelope.subarray(HEADER_BYTES).toString('utf8'));
  } catch (cause) {
    throw new DaemonError('invalid_argument', 'the message is no JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DaemonError('invalid_argument', 'the message is no JSON object');
  }
  return value as ConnectMessage;
};
