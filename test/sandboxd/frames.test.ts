import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeFrames, encodeFrame, type Frame } from '../../src/sandboxd/protocol/frames.ts';

async function* chunked(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
const decode = async (bytes: Buffer, sizes: readonly number[] = [bytes.length || 1]): Promise<readonly Frame[]> => {
  const frames: Frame[] = [];
  for await (const frame of decodeFrames(chunked(bytes, sizes))) frames.push(frame);
  return frames;
};

const aFrame = fc.record({
  type: fc.constantFrom('start', 'stdout', 'stderr', 'pty', 'gap', 'keepalive', 'end') as fc.Arbitrary<Frame['type']>,
  offset: fc.maxSafeNat(),
  payload: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
});

describe('frames', () => {
  test('come out as they went in, however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(aFrame),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
        async (frames, sizes) => {
          expect(await decode(Buffer.concat(frames.map(encodeFrame)), sizes)).toEqual(frames);
        },
      ),
    );
  });

  test('that end too early are an error, not a shorter output', async () => {
    const bytes = encodeFrame({ type: 'stdout', offset: 0, payload: Buffer.from('hello') });
    for (let length = 1; length < bytes.length; length++) {
      await expect(decode(bytes.subarray(0, length))).rejects.toThrow('ends within a frame');
    }
  });

  test('that are none are refused', async () => {
    await expect(decode(Buffer.from('HTTP/1.1 502 Bad Gateway\r\n\r\n'))).rejects.toThrow('holds no frames');
  });
});
