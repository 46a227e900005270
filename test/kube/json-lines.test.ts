import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { makeLineSplitter } from '../../src/kube/json-lines.ts';

describe('line splitter', () => {
  it('gives the same lines wherever the chunks end', () => {
    const text = fc.string({ unit: 'grapheme' }).map((line) => JSON.stringify(line));
    fc.assert(
      fc.property(fc.array(text), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (lines, sizes) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const splitter = makeLineSplitter();
        const received: string[] = [];
        for (let at = 0; at < bytes.length;) {
          const size = sizes.next().value as number;
          received.push(...splitter.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(received).toEqual(lines);
        expect(splitter.pending()).toBe(0);
      }),
    );
  });

  it('leaves empty lines out and knows of an unfinished one', () => {
    const splitter = makeLineSplitter();
    expect(splitter.push(Buffer.from('\n\r\na\nbc'))).toEqual(['a']);
    expect(splitter.pending()).toBe(2);
  });

  it('refuses to hold a line without end', () => {
    const splitter = makeLineSplitter();
    const megabyte = Buffer.alloc(1024 * 1024, 'x');
    for (let n = 0; n < 16; n++) splitter.push(megabyte);
    expect(() => splitter.push(megabyte)).toThrow(RangeError);
  });
});
