import type { Bucket } from './fetch-verified.ts';
import type { Head } from './head.ts';
import { CONFLICTS } from './layout.ts';
import { treeSize } from './manifest.ts';
import { readCommitAt, readHeadCommit, type ReadCommit } from './read-commit.ts';

/** One line of a workspace's history. */
export interface LoggedCommit {
  readonly key: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly writer: string;
  /** Milliseconds since the epoch. */
  readonly committedAt: number;
  readonly files: number;
  readonly bytes: number;
  readonly skipped: readonly string[];
}

export interface CommitLog {
  readonly head: Head;
  /** The newest first, by each commit's reference to the one before. */
  readonly commits: readonly LoggedCommit[];
  /** True when there are older ones than `limit`. */
  readonly more: boolean;
  /** Keys of what fenced writers had not committed. */
  readonly conflicts: readonly string[];
}

/** Undefined for a workspace that does not exist. One request for each commit, and two. */
export const readCommitLog = async (
  bucket: Bucket,
  limit: number,
  signal?: AbortSignal,
): Promise<CommitLog | undefined> => {
  const found = await readHeadCommit(bucket, signal);
  if (found === undefined) return undefined;
  const commits: LoggedCommit[] = [];
  let next: ReadCommit | undefined = found.commit;
  while (next !== undefined && commits.length < limit) {
    commits.push(logged(next));
    const { parent } = next.manifest;
    next = parent === undefined ? undefined : await readCommitAt(bucket, parent, signal);
  }
  const conflicts: string[] = [];
  for await (const { key } of bucket.store.list(bucket.prefix + CONFLICTS, signal)) {
    conflicts.push(key.slice(bucket.prefix.length));
  }
  return { head: found.head, commits, more: next !== undefined, conflicts };
};

const logged = ({ key, manifest }: ReadCommit): LoggedCommit => ({
  key,
  epoch: manifest.epoch,
  sequence: manifest.sequence,
  writer: manifest.writer,
  committedAt: manifest.createdAt,
  skipped: manifest.skipped,
  ...treeSize(manifest.entries),
});
