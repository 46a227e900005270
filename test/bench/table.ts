import type { Measurement } from './measurement.ts';

const HEADINGS = [
  'case',
  'n',
  'p50',
  'p95',
  'p99',
  'peak',
  'unit',
  'requests',
  'next to',
  'p50',
  'p95',
  'requests',
  'ratio',
  'goal',
];

const row = ({ baseline, ...own }: Measurement): readonly string[] =>
  [
    own.case,
    own.n,
    own.value,
    own.p95,
    own.p99,
    own.peak,
    own.unit,
    own.requests,
    baseline?.name,
    baseline?.value,
    baseline?.p95,
    baseline?.requests,
    own.ratio,
    own.goal,
  ].map((cell) => (cell === undefined ? '' : String(cell)));

/** Aligned columns; a column that no measurement fills is left out. */
export const table = (measurements: readonly Measurement[]): string => {
  const rows = measurements.map(row);
  const columns = HEADINGS.map((_, column) => column).filter((column) => rows.some((cells) => cells[column] !== ''));
  const lines = [HEADINGS, ...rows];
  const widths = columns.map((column) => Math.max(...lines.map((cells) => (cells[column] ?? '').length)));
  return lines
    .map((cells) =>
      columns
        .map((column, index) => (cells[column] ?? '').padEnd(widths[index] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
