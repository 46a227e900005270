/** Which bytes of `size` a Range header asks for. */
export type ByteRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly from: number; readonly length: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: ByteRange = { kind: 'whole' };
const UNSATISFIABLE: ByteRange = { kind: 'unsatisfiable' };

/**
 * RFC 9110, 14. One range; a list of several, another unit and what is not well-formed are ignored, as the RFC allows
 * and asks.
 */
export const parseRange = (header: string | undefined, size: number): ByteRange => {
  const [, first, last] = /^\s*bytes=[ \t]*(\d*)[ \t]*-[ \t]*(\d*)\s*$/i.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return WHOLE;
  if (first === '') return suffix(Number(last), size);
  const from = Number(first);
  const to = last === '' ? Infinity : Number(last);
  if (to < from) return WHOLE;
  return from >= size ? UNSATISFIABLE : part(from, Math.min(to + 1, size));
};

/** The last `length` bytes. Nothing can be said in Content-Range of a part of nothing, so an empty file is sent whole. */
const suffix = (length: number, size: number): ByteRange => {
  if (length === 0) return UNSATISFIABLE;
  return size === 0 ? WHOLE : part(Math.max(0, size - length), size);
};

const part = (from: number, end: number): ByteRange => ({ kind: 'part', from, length: end - from });
