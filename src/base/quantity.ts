/** Of what a Kubernetes quantity may end with, how many thousandths one of it is. */
const MILLI: Readonly<Record<string, bigint>> = {
  m: 1n,
  '': 1000n,
  k: 1000n ** 2n,
  M: 1000n ** 3n,
  G: 1000n ** 4n,
  T: 1000n ** 5n,
  Ki: 1000n * 2n ** 10n,
  Mi: 1000n * 2n ** 20n,
  Gi: 1000n * 2n ** 30n,
  Ti: 1000n * 2n ** 40n,
};

/** A number of thousandths as a fraction: decimals of a quantity are exact, and a double is not. */
interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

const fractionOf = (quantity: string | number): Fraction => {
  const [, whole = '', decimals = '', unit = ''] =
    /^([0-9]+)(?:\.([0-9]+))?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(String(quantity)) ?? [];
  const milli = MILLI[unit];
  if (whole === '' || milli === undefined) throw new RangeError(`${JSON.stringify(quantity)} is no quantity`);
  return { over: BigInt(whole + decimals) * milli, under: 10n ** BigInt(decimals.length) };
};

/** Whether `a` is more than `b`, both as `cpu: 500m`, `memory: 4Gi` or a number. Throws a RangeError for anything else. */
export const isMore = (a: string | number, b: string | number): boolean => {
  const [one, other] = [fractionOf(a), fractionOf(b)];
  return one.over * other.under > other.over * one.under;
};

/** A quantity in whole bytes, a fraction of one rounded up. Throws a RangeError for what is none. */
export const bytesOf = (quantity: string | number): number => {
  const { over, under } = fractionOf(quantity);
  const unit = under * 1000n;
  return Number((over + unit - 1n) / unit);
};
