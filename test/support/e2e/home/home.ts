import { readFileSync } from 'node:fs';
import type { Cluster } from '../cluster.ts';

const program = (name: string): string => readFileSync(new URL(`./${name}.py`, import.meta.url), 'utf8');

/** Fills the sandbox's empty home with every kind of entry; see fill.py. */
export const fillHome = async (
  cluster: Cluster,
  sandbox: string,
  { smallFiles, largeMiB }: { readonly smallFiles: number; readonly largeMiB: number },
): Promise<void> => {
  await cluster.python(sandbox, program('fill'), {
    args: [String(smallFiles), String(largeMiB)],
    deadlineMs: 90_000,
  });
};

/** Deletes, renames and rewrites in a home that fillHome has filled; see change.py. */
export const changeHome = async (cluster: Cluster, sandbox: string): Promise<void> => {
  await cluster.python(sandbox, program('change'));
};

/** An entry as list.py prints it. Paths and targets are bytes as hex, `mtime` is in nanoseconds. */
export interface HomeEntry {
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link' | 'other';
  readonly mode: string;
  readonly mtime: string;
  readonly owner: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  /** The first path of the hard links to the same file. */
  readonly group?: string;
}

/** Every entry of the sandbox's home, the home itself too, by path. */
export const listHome = async (cluster: Cluster, sandbox: string): Promise<ReadonlyMap<string, HomeEntry>> => {
  const output = await cluster.python(sandbox, program('list'));
  const entries = output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as HomeEntry);
  return new Map(entries.map((entry) => [entry.path, entry]));
};

/** Sockets, FIFOs and devices have no content to save: they are expected to be missing in the home that comes back. */
export const isSaved = (entry: HomeEntry): boolean => entry.type !== 'other';

/** What differs between the home that was left and the one that came back, one line an entry; empty when nothing does. */
export const differences = (
  left: ReadonlyMap<string, HomeEntry>,
  back: ReadonlyMap<string, HomeEntry>,
): readonly string[] => {
  const lost = [...left.values()].flatMap((before) => {
    const after = back.get(before.path);
    if (!isSaved(before)) return after === undefined ? [] : [`came back, but is not saved: ${show(after)}`];
    if (after === undefined) return [`missing: ${show(before)}`];
    return JSON.stringify(before) === JSON.stringify(after) ? [] : [`was  ${show(before)}\n  is ${show(after)}`];
  });
  const added = [...back.values()]
    .filter(({ path }) => !left.has(path))
    .map((entry) => `was not there: ${show(entry)}`);
  return [...lost, ...added];
};

const show = (entry: HomeEntry): string =>
  JSON.stringify({ name: Buffer.from(entry.path, 'hex').toString('latin1'), ...entry, path: undefined });
