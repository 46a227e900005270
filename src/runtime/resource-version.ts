const DECIMAL = /^[0-9]+$/;

/**
 * Whether version `a` is older than `b` of the same resource. Versions are unbounded decimal numbers (a JavaScript number
 * loses the last digits of a long one); what is no number cannot be compared, and is not older.
 */
export const isOlder = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && DECIMAL.test(a) && DECIMAL.test(b) && BigInt(a) < BigInt(b);

export const newerOf = (a: string, b: string): string => (isOlder(a, b) ? b : a);
