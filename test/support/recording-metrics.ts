import type { RuntimeMetrics } from '../../src/runtime/metrics.ts';

/** Metrics that a test can read: `counted('informer_relists_total', { reason: 'expired' })`. */
export const makeRecordingMetrics = (): RuntimeMetrics & {
  readonly counted: (name: string, labels?: Readonly<Record<string, string>>) => number;
  readonly sampled: (name: string) => number | undefined;
} => {
  const counts: { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly by: number }[] =
    [];
  const samples = new Map<string, () => number>();
  return {
    count: (name, labels, by = 1) => {
      counts.push({ name, labels, by });
    },
    observe: () => undefined,
    sample: (name, _labels, read) => {
      samples.set(name, read);
    },
    counted: (name, labels = {}) =>
      counts
        .filter((count) => count.name === name)
        .filter((count) => Object.entries(labels).every(([label, value]) => count.labels[label] === value))
        .reduce((sum, { by }) => sum + by, 0),
    sampled: (name) => samples.get(name)?.(),
  };
};
