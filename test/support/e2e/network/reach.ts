import { readFileSync } from 'node:fs';

/** What became of a connection: it was accepted, turned away at once, or nobody answered. */
export type Reach = 'open' | 'refused' | 'silent';

const CONNECT = readFileSync(new URL('connect.py', import.meta.url), 'utf8');

/** `host port` of a target. */
export const at = (host: string, port: number): string => `${host} ${port}`;

/** Tries to connect to each `host port` with a Python that `python` runs; all targets have up to three seconds. */
export const reach = async (
  python: (program: string, args: readonly string[]) => Promise<string>,
  targets: readonly string[],
): Promise<Readonly<Record<string, Reach>>> => {
  if (targets.length === 0) return {};
  const lines = (
    await python(
      CONNECT,
      targets.flatMap((target) => target.split(' ')),
    )
  )
    .trimEnd()
    .split('\n');
  return Object.fromEntries(lines.map((line) => line.split(': '))) as Readonly<Record<string, Reach>>;
};

/** The targets that somebody answered. How plugins turn away what a policy forbids, they do not agree on. */
export const openOf = (found: Readonly<Record<string, Reach>>): readonly string[] =>
  Object.keys(found).filter((target) => found[target] === 'open');

/** What `reach` resolves with when all targets have the same answer. */
export const everywhere = (targets: readonly string[], answer: Reach): Readonly<Record<string, Reach>> =>
  Object.fromEntries(targets.map((target) => [target, answer]));
