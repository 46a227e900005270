import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { startDaemonFacade } from './support/daemon-facade.ts';
import { API_KEY, type TestFacade } from './support/facade.ts';

let facade: TestFacade;

beforeEach(async () => {
  ({ facade } = await startDaemonFacade());
});

const RUNS = 60;
const MAX_MESSAGE = 70_000;
/** A client whose frames say so is told with 1002, 1003, 1007, 1008 or 1009; whose request was wrong with 44xx. */
const CLOSES = [1000, 1002, 1003, 1006, 1007, 1008, 1009, 1011];

/** One frame (RFC 6455, 5.2) of whatever is allowed or forbidden in it. */
const frame = fc
  .record({
    fin: fc.boolean(),
    reserved: fc.constantFrom(0, 0, 0, 1, 7),
    opcode: fc.constantFrom(0, 1, 1, 2, 2, 3, 8, 9, 10, 15),
    masked: fc.constantFrom(true, true, true, false),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string().map((text) => new TextEncoder().encode(text)),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .constantFrom('start', 'attach', 'resize', 'signal', 'close_input', 'none')
        .chain((type) => fc.json().map((rest) => new TextEncoder().encode(`{"type":"${type}","cols":${rest}}`))),
      fc.integer({ min: 126, max: MAX_MESSAGE }).map((length) => new Uint8Array(length)),
    ),
    // What the frame says of its length, beside the truth.
    claims: fc.constantFrom(undefined, undefined, undefined, 2 ** 31, 2 ** 62),
  })
  .map(({ fin, reserved, opcode, masked, payload, claims }) => {
    const head = [(fin ? 0x80 : 0) | (reserved << 4) | opcode];
    const mask = masked ? 0x80 : 0;
    const length = BigInt(claims ?? payload.length);
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(length);
    if (length < 126n) head.push(mask | Number(length));
    else if (length < 65_536n) head.push(mask | 126, ...long.subarray(6));
    else head.push(mask | 127, ...long);
    const key = [1, 2, 3, 4];
    const body = masked ? payload.map((byte, index) => byte ^ (key[index % 4] as number)) : payload;
    return Buffer.concat([Buffer.from(head), Buffer.from(masked ? key : []), body]);
  });

/** The code of the close frame that ends what the server sent; 1006 where there is none. */
const closeCode = (bytes: Buffer): number => {
  const at = bytes.lastIndexOf(0x88);
  const isClose = at >= 0 && (bytes[at + 1] ?? 0) >= 2 && at + 2 + (bytes[at + 1] ?? 0) === bytes.length;
  return isClose ? bytes.readUInt16BE(at + 2) : 1006;
};

const talk = async (path: string, sent: readonly Buffer[]): Promise<Buffer> => {
  const socket = connect(Number(new URL(facade.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: a\r\nX-API-Key: ${API_KEY}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
  );
  for (const bytes of sent) socket.write(bytes);
  socket.end();
  return buffer(socket).catch(() => Buffer.alloc(0));
};

describe.each(['/sandboxes/demo/terminal', '/sandboxes/demo/exec'])('frames of any kind to %s', (path) => {
  test('end that connection alone, with a fitting code, and leave nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 6 }), async (frames) => {
        const said = await talk(path, frames);
        expect(said.subarray(0, 12).toString()).toBe('HTTP/1.1 101');
        const code = closeCode(said);
        expect(CLOSES.includes(code) || (code >= 4400 && code < 4500)).toBe(true);
      }),
      { numRuns: RUNS, seed: 20_261_125 },
    );
    expect((await facade.request('/health')).status).toBe(200);
    // A terminal goes on without its client for a while, and no longer than any other that was left.
    const { body } = await facade.request('/sandboxes/demo/exec', { body: { command: 'echo still' } });
    expect(body).toMatchObject({ exit_code: 0, stdout: 'still' });
    expect(facade.logged().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });
});
