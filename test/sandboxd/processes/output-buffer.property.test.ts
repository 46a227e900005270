import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { makeBufferBudget } from '../../../src/sandboxd/processes/buffer-budget.ts';
import { CAPACITY, makeOutputBuffer, type OutputStream } from '../../../src/sandboxd/processes/output-buffer.ts';
import { MAX_RUNS } from '../../../src/sandboxd/processes/output-runs.ts';

/** What every process of these tests writes, so that a test needs to remember only which stream a byte belongs to. */
const OUTPUT = randomBytes(4 << 20);
const bytesFrom = (offset: number, length: number): Uint8Array => OUTPUT.subarray(offset, offset + length);

const stream = fc.constantFrom<OutputStream>('stdout', 'stderr');
const size = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 90_000 }));

describe('an output buffer', () => {
  test('gives back what was written, byte for byte and stream by stream, from any cursor that is still there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(stream, size), { maxLength: 25 }),
        fc.integer({ min: 0, max: 600_000 }),
        fc.integer({ min: 1000, max: 70_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (writes, budgetBytes, pieceSize, where) => {
          const buffer = makeOutputBuffer(makeBufferBudget(budgetBytes));
          const streams: { readonly end: number; readonly stream: OutputStream }[] = [];
          for (const [name, length] of writes) {
            buffer.append(name, bytesFrom(buffer.total(), length));
            streams.push({ end: buffer.total(), stream: name });
          }
          const written = writes.reduce((sum, [, length]) => sum + length, 0);
          expect(buffer.total()).toBe(written);
          const lost: Record<OutputStream, number> = { stdout: 0, stderr: 0, pty: 0 };
          let begin = 0;
          for (const { end, stream: name } of streams) {
            lost[name] += Math.max(0, Math.min(end, buffer.from()) - begin);
            begin = end;
          }
          expect(buffer.dropped()).toEqual(lost);
          expect(buffer.total() - buffer.from()).toBeGreaterThanOrEqual(Math.min(written, CAPACITY.granted));

          let cursor = buffer.from() + Math.floor((buffer.total() - buffer.from()) * where);
          const target = new Uint8Array(pieceSize);
          while (cursor < buffer.total()) {
            const piece = buffer.read(cursor, target);
            expect(piece.length).toBeGreaterThan(0);
            expect(Buffer.from(target.subarray(0, piece.length)).equals(bytesFrom(cursor, piece.length))).toBe(true);
            for (const at of [cursor, cursor + piece.length - 1]) {
              expect(piece.stream).toBe(streams.find(({ end }) => end > at)?.stream);
            }
            cursor += piece.length;
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('loses nothing that somebody needs, as long as it says that there is room', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(stream, size, fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 40 }),
        fc.integer({ min: 0, max: 600_000 }),
        (writes, budgetBytes) => {
          const buffer = makeOutputBuffer(makeBufferBudget(budgetBytes));
          let needed = 0;
          for (const [name, length, progress] of writes) {
            if (buffer.reserve(length, needed)) buffer.append(name, bytesFrom(buffer.total(), length));
            expect(buffer.from()).toBeLessThanOrEqual(needed);
            needed += Math.floor((buffer.total() - needed) * progress);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('has room for what is granted, whatever others take', () => {
    const budget = makeBufferBudget(0);
    const buffer = makeOutputBuffer(budget);
    expect(buffer.reserve(CAPACITY.granted, 0)).toBe(true);
    buffer.append('stdout', bytesFrom(0, CAPACITY.granted));
    expect(buffer.reserve(1, 0)).toBe(false);
    expect(buffer.reserve(1, 1)).toBe(true);
  });

  test('takes no more memory than it may, however much is written to it, and gives all of it back', () => {
    const budget = makeBufferBudget(6 << 20);
    const buffers = [makeOutputBuffer(budget), makeOutputBuffer(budget), makeOutputBuffer(budget)];
    const chunk = new Uint8Array(1 << 20);
    for (let n = 0; n < 12; n++) for (const buffer of buffers) buffer.append('stdout', chunk);
    const sizes = buffers.map((buffer) => buffer.size());
    expect(Math.max(...sizes)).toBeLessThan(CAPACITY.most + 1024);
    expect(sizes.reduce((sum, one) => sum + one, 0)).toBeLessThan((6 << 20) + 3 * CAPACITY.granted + 1024);
    buffers[0]?.seal();
    for (const buffer of buffers) buffer.release();
    expect(budget.take(6 << 20)).toBe(true);
  });

  test('bounds what a process costs that changes between its streams with every byte', () => {
    const buffer = makeOutputBuffer(makeBufferBudget(32 << 20));
    const one = new Uint8Array(1);
    for (let n = 0; n < 3 * MAX_RUNS; n++) buffer.append(n % 2 === 0 ? 'stdout' : 'stderr', one);
    expect(buffer.total() - buffer.from()).toBe(MAX_RUNS);
    expect(buffer.size()).toBeLessThan(1 << 20);
    expect(buffer.reserve(1, buffer.from())).toBe(false);
    expect(buffer.reserve(1, buffer.from() + 1)).toBe(true);
  });

  test('keeps what is there when it is sealed, in no more memory than that takes', () => {
    const buffer = makeOutputBuffer(makeBufferBudget(32 << 20));
    buffer.append('stdout', bytesFrom(0, 300_000));
    buffer.seal();
    expect(buffer.size()).toBeLessThan(301_000);
    const target = new Uint8Array(300_000);
    expect(buffer.read(0, target)).toEqual({ stream: 'stdout', length: 300_000 });
    expect(Buffer.from(target).equals(bytesFrom(0, 300_000))).toBe(true);
  });
});
