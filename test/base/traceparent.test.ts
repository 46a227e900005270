import { expect, it } from '@jest/globals';
import { formatTraceparent, parseTraceparent } from '../../src/base/traceparent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

it('a traceparent is read and written', () => {
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: true });
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)).toEqual({ traceId: TRACE, spanId: SPAN, sampled: false });
  expect(formatTraceparent({ traceId: TRACE, spanId: SPAN, sampled: true })).toBe(`00-${TRACE}-${SPAN}-01`);
});

it.each([
  ['nothing', undefined],
  ['an empty text', ''],
  ['capital letters', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['no trace', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['no span', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a part too many', `00-${TRACE}-${SPAN}-01-x`],
  ['a later version', `01-${TRACE}-${SPAN}-01`],
  ['a version that is none', `ff-${TRACE}-${SPAN}-01`],
  ['a line more', `00-${TRACE}-${SPAN}-01\n`],
  ['white space', ` 00-${TRACE}-${SPAN}-01`],
  ['a long text', 'x'.repeat(100_000)],
])('%s is no traceparent', (_what, text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});
