import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parseCursor, startOfOutput } from '../../../src/facade/processes/cursor.ts';
import { makeOutputReader, type OutputEvent } from '../../../src/facade/processes/output-event.ts';
import { type Frame, jsonFrame } from '../../../src/sandboxd/protocol/frames.ts';

const bytesOf = (event: OutputEvent): Buffer => {
  if (event.type !== 'stdout' && event.type !== 'stderr' && event.type !== 'pty') return Buffer.alloc(0);
  return Buffer.from(event.content.data, event.content.encoding ?? 'utf8');
};
const streamOf = (events: readonly OutputEvent[], type: OutputEvent['type']): Buffer =>
  Buffer.concat(events.filter((event) => event.type === type).map(bytesOf));

/** What a process writes, cut wherever a pipe may cut it. */
const framesOf = (writes: readonly (readonly [Frame['type'], Uint8Array])[]): readonly Frame[] => {
  let offset = 0;
  const frames: Frame[] = [];
  for (const [type, bytes] of writes) {
    frames.push({ type, offset, payload: Buffer.from(bytes) });
    offset += bytes.length;
  }
  const end = { exitCode: 0, signal: null, timedOut: false, cwd: '/', endedAt: '2026-01-01T00:00:00Z' };
  return [...frames, jsonFrame('end', offset, end)];
};
const readFrom = (cursor: string, frames: readonly Frame[]): readonly OutputEvent[] => {
  const from = parseCursor(cursor) ?? startOfOutput;
  const read = makeOutputReader(from);
  return frames.flatMap((frame) => {
    if (frame.type === 'end') return read(frame);
    // The daemon sends what lies behind the offset, from within a frame where it must.
    const skip = Math.max(0, from.offset - frame.offset);
    if (skip >= frame.payload.length) return [];
    return read({ ...frame, offset: frame.offset + skip, payload: frame.payload.subarray(skip) });
  });
};

const stream = fc.constantFrom('stdout', 'stderr', 'pty') as fc.Arbitrary<Frame['type']>;
const text = fc.string({ unit: 'binary', maxLength: 12 }).map((given) => Buffer.from(given, 'utf8'));
/** Cuts of texts, in any order: characters come in pieces, between those of other streams, or never whole. */
const writes = fc.array(
  fc.tuple(
    stream,
    fc.oneof(
      text,
      text.chain((bytes) => fc.nat(bytes.length).map((at) => bytes.subarray(at))),
      text.chain((bytes) => fc.nat(bytes.length).map((at) => bytes.subarray(0, at))),
      fc.uint8Array({ maxLength: 6 }),
    ),
  ),
  { maxLength: 30 },
);

describe('the events of an output', () => {
  test('carry every byte once, whichever event a reader goes on from', () => {
    fc.assert(
      fc.property(writes, fc.nat(), (written, pick) => {
        const frames = framesOf(written);
        const all = readFrom('0', frames);
        const cut = pick % all.length;
        const before = all.slice(0, cut + 1);
        const after = all[cut]?.type === 'end' ? [] : readFrom(before.at(-1)?.cursor ?? '0', frames);
        for (const type of ['stdout', 'stderr', 'pty'] as const) {
          const expected = Buffer.concat(written.filter(([of]) => of === type).map(([, bytes]) => bytes));
          expect(streamOf(all, type)).toEqual(expected);
          expect(Buffer.concat([streamOf(before, type), streamOf(after, type)])).toEqual(expected);
        }
      }),
    );
  });

  test('never cut a character: a text comes as text, however its bytes come', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 4 })),
        (given, sizes) => {
          const bytes = Buffer.from(given);
          const pieces: [Frame['type'], Uint8Array][] = [];
          for (let at = 0; at < bytes.length;) {
            const size = sizes.next().value as number;
            pieces.push(['stdout', bytes.subarray(at, at + size)], ['stderr', Buffer.from('x')]);
            at += size;
          }
          const events = readFrom('0', framesOf(pieces)).filter(({ type }) => type === 'stdout');
          expect(events.every((event) => event.type === 'stdout' && event.content.encoding === undefined)).toBe(true);
          expect(streamOf(events, 'stdout').toString()).toBe(given);
        },
      ),
    );
  });

  test('give bytes that are no UTF-8 as base64, and say so', () => {
    const [event] = readFrom('0', framesOf([['stdout', Buffer.from([0x61, 0xff, 0x00, 0x62])]]));
    expect(event).toEqual({ type: 'stdout', cursor: '4', content: { data: 'Yf8AYg==', encoding: 'base64' } });
  });

  test('hold the beginning of a character back, in the cursor of what comes between', () => {
    const euro = Buffer.from('€');
    const events = readFrom(
      '0',
      framesOf([
        ['stdout', euro.subarray(0, 2)],
        ['stderr', Buffer.from('!')],
        ['stdout', euro.subarray(2)],
      ]),
    );
    expect(events.slice(0, 2)).toEqual([
      { type: 'stderr', cursor: '3.oe282', content: { data: '!' } },
      { type: 'stdout', cursor: '4', content: { data: '€' } },
    ]);
  });

  test('give the beginning of a character that never comes as bytes, before a gap and at the end', () => {
    const half = Buffer.from('€').subarray(0, 2);
    const read = makeOutputReader(startOfOutput);
    expect(read({ type: 'stdout', offset: 0, payload: half })).toEqual([]);
    expect(read(jsonFrame('gap', 2, { from: 2, to: 900 }))).toEqual([
      { type: 'stdout', cursor: '2', content: { data: '4oI=', encoding: 'base64' } },
      { type: 'gap', cursor: '900', content: { from: 2, to: 900 } },
    ]);
    expect(read({ type: 'stderr', offset: 900, payload: half })).toEqual([]);
    const end = { exitCode: null, signal: 'SIGKILL', timedOut: false, cwd: null, endedAt: '2026-01-01T00:00:00Z' };
    expect(read(jsonFrame('end', 902, end))).toEqual([
      { type: 'stderr', cursor: '902', content: { data: '4oI=', encoding: 'base64' } },
      {
        type: 'end',
        cursor: '902',
        content: { exit_code: 137, signal: 'SIGKILL', timed_out: false, cwd: null, ended_at: '2026-01-01T00:00:00Z' },
      },
    ]);
  });

  test.each(['', '-1', '1.', '1.x00', '1.oe28', '1.oe282e282', '1 ', '99999999999999999', 'NaN'])(
    'take %j for no cursor',
    (given) => {
      expect(parseCursor(given)).toBeUndefined();
    },
  );
});
