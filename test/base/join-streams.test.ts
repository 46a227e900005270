import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { expect, it } from '@jest/globals';
import { joinStreams } from '../../src/base/join-streams.ts';

/** A connection that takes nothing more until it is released. */
const slowSide = () => {
  const taken: string[] = [];
  let release: (() => void) | undefined;
  let isReleased = false;
  const side = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      taken.push(chunk.toString());
      if (isReleased) done();
      else release = done;
    },
  });
  side.on('error', () => undefined);
  return {
    side,
    taken,
    release: () => {
      isReleased = true;
      release?.();
    },
  };
};

it('what a side had sent before its end arrives, though its connection is reset after that', async () => {
  const { side: a } = slowSide();
  const { side: b, taken, release } = slowSide();
  joinStreams(a, b);
  const ended = once(a, 'end');
  for (const part of ['one ', 'two ', 'three', null]) a.push(part);
  await ended;
  const reset = new Promise((resolve) => a.once('close', resolve));
  a.destroy(new Error('reset'));
  await reset;
  expect(b.destroyed).toBe(false);
  const closed = once(b, 'close');
  release();
  await closed;
  expect(taken.join('')).toBe('one two three');
});

it('a side that fails without an end ends the other', async () => {
  const { side: a } = slowSide();
  const { side: b } = slowSide();
  joinStreams(a, b);
  const closed = once(b, 'close');
  a.destroy(new Error('reset'));
  await closed;
});
