import type { BytePath } from './byte-path.ts';
import type { Observed } from './scan.ts';

/** Which names of a scan are one file. Links that lead out of the home are none of them. */
export interface LinkGroups {
  /** The group's first name; undefined for what has no second name here. */
  readonly leaderOf: (seen: Observed) => BytePath | undefined;
  readonly isLeader: (seen: Observed) => boolean;
  /** Groups are numbered in the order of their first names. */
  readonly numberOf: (seen: Observed) => number | undefined;
}

export const linkGroups = (observed: readonly Observed[]): LinkGroups => {
  const names = new Map<
    bigint,
    { readonly leader: BytePath; readonly type: Observed['type']; count: number; number: number }
  >();
  for (const { path, type, inode, names: count } of observed) {
    if (type === 'directory' || count < 2) continue;
    const group = names.get(inode);
    if (group === undefined) names.set(inode, { leader: path, type, count: 1, number: 0 });
    // An inode number given to another file in the middle of the scan is no link.
    else if (group.type === type) group.count += 1;
  }
  let next = 0;
  for (const group of names.values()) if (group.count > 1) group.number = next++;
  const groupOf = (seen: Observed) => {
    const group = seen.type === 'directory' || seen.names < 2 ? undefined : names.get(seen.inode);
    return group !== undefined && group.count > 1 && group.type === seen.type ? group : undefined;
  };
  return {
    leaderOf: (seen) => groupOf(seen)?.leader,
    isLeader: (seen) => (groupOf(seen)?.leader ?? seen.path) === seen.path,
    numberOf: (seen) => groupOf(seen)?.number,
  };
};
