import { type Manifest, nameOf } from './render.ts';

/**
 * What a person would read of a diff between two renderings: `+ Kind ns/name` for an object that is new, `- …` for one that
 * is gone, and `Kind ns/name path` for each field that is other, new or gone.
 */
export const differences = (before: readonly Manifest[], after: readonly Manifest[]): readonly string[] => {
  const old = new Map(before.map((one) => [nameOf(one), one]));
  const now = new Map(after.map((one) => [nameOf(one), one]));
  return [
    ...[...old.keys()].filter((name) => !now.has(name)).map((name) => `- ${name}`),
    ...[...now].flatMap(([name, one]) => {
      const previous = old.get(name);
      return previous === undefined ? [`+ ${name}`] : changedFields(previous, one).map((path) => `${name} ${path}`);
    }),
  ].toSorted();
};

const isTree = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const changedFields = (before: unknown, after: unknown, path = ''): readonly string[] => {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (!isTree(before) || !isTree(after)) return [path];
  // The entries of a list have names more often than places.
  if (Array.isArray(before) && Array.isArray(after)) return changedFields(byName(before), byName(after), path);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    changedFields(before[key], after[key], path === '' ? key : `${path}.${key}`),
  );
};

const byName = (list: readonly unknown[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    list.map((entry, index) => [isTree(entry) && typeof entry['name'] === 'string' ? entry['name'] : index, entry]),
  );
