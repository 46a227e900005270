import { summarize } from './statistics.ts';

/** One line of the result. Seconds are `s`, memory is `MiB`. */
export interface Measurement {
  readonly case: string;
  readonly unit: 's' | 'MiB';
  /** The median where there is more than one sample. */
  readonly value: number;
  readonly n: number;
  readonly p50?: number;
  readonly p95?: number;
  /** S3 requests that one run took. */
  readonly requests?: number;
  /** What the value is compared with, in the same unit, measured in the same run. */
  readonly baseline?: Baseline;
  /** value / baseline.value. */
  readonly ratio?: number;
  readonly goal?: string;
}

export interface Baseline {
  readonly name: string;
  readonly value: number;
  readonly p95?: number;
  readonly requests?: number;
}

export const secondsMeasured = (
  name: string,
  samples: readonly number[],
  more: { readonly requests?: number; readonly goal?: string } = {},
): Measurement => {
  const { n, p50, p95 } = summarize(samples);
  return { case: name, unit: 's', value: round(p50), n, p50: round(p50), p95: round(p95), ...more };
};

export const comparedWith = (
  measurement: Measurement,
  name: string,
  samples: readonly number[],
  requests?: number,
): Measurement => {
  const { p50, p95 } = summarize(samples);
  return {
    ...measurement,
    baseline: { name, value: round(p50), p95: round(p95), ...(requests === undefined ? {} : { requests }) },
    ratio: round(measurement.value / p50),
  };
};

export const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);

const round = (value: number): number => Number(value.toPrecision(4));
