import { summarize } from './statistics.ts';

/** One line of the result. Memory is `MB` of 1,000,000 bytes; of rates (`1/s`, `MB/s`) more is better. */
export interface Measurement {
  readonly case: string;
  readonly unit: 's' | 'ms' | 'MB' | '1/s' | 'MB/s' | 'writes' | 'errors' | 'sockets' | 'lists';
  /** The median where there is more than one sample. */
  readonly value: number;
  readonly n: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly p99?: number;
  /** The most it has ever been, in the same unit. */
  readonly peak?: number;
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

/** `samples` in seconds. */
export const millisecondsMeasured = (
  name: string,
  samples: readonly number[],
  more: { readonly goal?: string } = {},
): Measurement => {
  const { n, p50, p95 } = summarize(samples.map((seconds) => seconds * 1000));
  return { case: name, unit: 'ms', value: round(p50), n, p50: round(p50), p95: round(p95), ...more };
};

/** `n`: of how many. */
export const perSecond = (name: string, unit: '1/s' | 'MB/s', value: number, n: number): Measurement => ({
  case: name,
  unit,
  value: round(value),
  n,
});

export const ratedNextTo = (measurement: Measurement, name: string, value: number): Measurement => ({
  ...measurement,
  baseline: { name, value: round(value) },
  ratio: round(measurement.value / value),
});

/** `samples` in the measurement's unit. */
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

export const megabytes = (bytes: number): number => Math.round(bytes / 1_000_000);

const round = (value: number): number => Number(value.toPrecision(4));
