import type { BytePath } from './byte-path.ts';
import { isSameFile, type KnownEntry } from './directory-snapshot.ts';

/** One name that something was heard of: what was known of it, and what is there now. */
export interface Observation {
  readonly path: BytePath;
  readonly before: KnownEntry | undefined;
  readonly now: KnownEntry | undefined;
  /** It was made, removed or renamed. */
  readonly renamed: boolean;
  /** Its content or its attributes were changed. */
  readonly touched: boolean;
  /** What was in its directory is not remembered: that nothing is known of it says nothing. */
  readonly forgotten: boolean;
}

export interface TreeEvent {
  readonly type: 'created' | 'changed' | 'attributes' | 'removed' | 'moved';
  readonly path: BytePath;
  readonly from?: BytePath;
}

/** A file that is gone from one place and stands at another. */
export interface Move {
  readonly from: Observation;
  readonly to: Observation;
}

export const findMoves = (observations: readonly Observation[]): readonly Move[] => {
  const gone = observations.filter(hasGone);
  return observations.filter(hasCome).flatMap((to) => {
    const at = gone.findIndex((from) => from.path !== to.path && isSame(from.before, to.now));
    const [from] = at === -1 ? [] : gone.splice(at, 1);
    return from === undefined ? [] : [{ from, to }];
  });
};

/** What happened, in the order in which it was heard of. */
export const judgeChanges = (observations: readonly Observation[]): readonly TreeEvent[] => {
  const moves = findMoves(observations);
  const cameFrom = new Map(moves.map(({ from, to }) => [to, from.path]));
  const wentAway = new Set(moves.map(({ from }) => from));
  return observations.flatMap((one) => {
    const from = cameFrom.get(one);
    if (from !== undefined) return [{ type: 'moved', path: one.path, from }];
    return judgeOne(one, wentAway.has(one));
  });
};

const judgeOne = (one: Observation, movedAway: boolean): readonly TreeEvent[] => {
  const { path, before, now, renamed, touched, forgotten } = one;
  if (before === undefined && now === undefined) {
    return forgotten && renamed ? [{ type: 'removed', path }] : [];
  }
  if (before === undefined) return [{ type: forgotten && !renamed ? 'changed' : 'created', path }];
  if (now === undefined) return movedAway ? [] : [{ type: 'removed', path }];
  if (!isSameFile(before, now)) {
    // Another file under the same name: for a file that is how programs save.
    if (!before.isDirectory && !now.isDirectory && !movedAway) return [{ type: 'changed', path }];
    return movedAway
      ? [{ type: 'created', path }]
      : [
          { type: 'removed', path },
          { type: 'created', path },
        ];
  }
  return judgeSame(path, before, now, renamed || touched);
};

const judgeSame = (path: BytePath, before: KnownEntry, now: KnownEntry, heard: boolean): readonly TreeEvent[] => {
  const rights: readonly TreeEvent[] = before.rights === now.rights ? [] : [{ type: 'attributes', path }];
  // That a directory was modified is told by what is in it. A file's time need not differ: its clock ticks slowly.
  const isChanged = !now.isDirectory && (before.modifiedMs !== now.modifiedMs || (heard && rights.length === 0));
  return isChanged ? [...rights, { type: 'changed', path }] : rights;
};

const hasGone = ({ before, now }: Observation): boolean => before !== undefined && !isSame(before, now);
const hasCome = ({ before, now }: Observation): boolean => now !== undefined && !isSame(before, now);

const isSame = (a: KnownEntry | undefined, b: KnownEntry | undefined): boolean =>
  a !== undefined && b !== undefined && isSameFile(a, b);
