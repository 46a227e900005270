import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileCoverageData } from 'istanbul-lib-coverage';
import { TestEnvironment } from 'jest-environment-node';
import type { Counted } from './report.ts';

/** By the sources that this worker has loaded. */
const counted: Record<string, Counted> = {};

const count = ({ path, statementMap, s: runs }: FileCoverageData): void => {
  const statements = Object.entries(statementMap);
  counted[path] ??= { lines: statements.map(([, { start }]) => start.line), runs: statements.map(() => 0) };
  const sums = counted[path].runs;
  for (const [at, [id]] of statements.entries()) sums[at] = (sums[at] ?? 0) + (runs[id] ?? 0);
};

/**
 * What the sources of a test file have counted is added to what its worker has, and written to a file in MATRX_COVERAGE:
 * Jest's own collection, which sends every map of every source to the parent with every test file, takes as long as
 * half of the tests.
 */
export default class CountingEnvironment extends TestEnvironment {
  override async teardown(): Promise<void> {
    const coverage = (this.global as { readonly __coverage__?: Readonly<Record<string, FileCoverageData>> })
      .__coverage__;
    for (const file of Object.values(coverage ?? {})) count(file);
    const folder = process.env['MATRX_COVERAGE'] ?? '';
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(counted));
    await super.teardown();
  }
}
