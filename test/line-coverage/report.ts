import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeInstrumenter } from './instrument.ts';

/** Of a source's statements, in their order: the line that each begins on, and how often it has run. */
export interface Counted {
  readonly lines: readonly number[];
  readonly runs: number[];
}

export interface LineCoverage {
  /** Lines on which a statement begins that has run. */
  readonly covered: number;
  /** Lines on which a statement begins. */
  readonly total: number;
}

/**
 * The line coverage of `sources` (absolute paths) by all that the workers have left in `folder` (environment.ts). A source
 * that was never loaded counts with none of its lines covered. Throws where the workers have left nothing.
 */
export const lineCoverage = (folder: string, sources: readonly string[]): LineCoverage => {
  const workers = filesIn(folder).map(
    (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Readonly<Record<string, Counted>>,
  );
  if (workers.length === 0) throw new Error(`${folder}: no worker has counted anything`);
  const lines = sources.flatMap((source) => {
    const loaded = workers.flatMap((worker) => worker[source] ?? []);
    return [...hitsByLine(loaded.length === 0 ? [neverLoaded(source)] : loaded).values()];
  });
  return { covered: lines.filter((isHit) => isHit).length, total: lines.length };
};

const filesIn = (folder: string): readonly string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** A line on which several statements begin is covered by any of them. */
const hitsByLine = (counts: readonly Counted[]): ReadonlyMap<number, boolean> => {
  const hits = new Map<number, boolean>();
  for (const { lines, runs } of counts) {
    for (const [at, line] of lines.entries()) hits.set(line, (hits.get(line) ?? false) || (runs[at] ?? 0) > 0);
  }
  return hits;
};

const neverLoaded = (source: string): Counted => {
  const instrumenter = makeInstrumenter();
  instrumenter.instrumentSync(readFileSync(source, 'utf8'), source);
  const statements = Object.values(instrumenter.lastFileCoverage().statementMap);
  return { lines: statements.map(({ start }) => start.line), runs: statements.map(() => 0) };
};
