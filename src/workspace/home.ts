import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { ObjectStore } from './object-store.ts';

/**
 * A home is one epoch of a workspace on one disk: a directory of files, a state directory beside it that survives a
 * `kill -9`, and the commit log in the bucket. Made by `openHome` (./open-home.ts), used by the node driver and the CLI.
 */
export interface HomeOptions {
  readonly store: ObjectStore;
  /** Ends in `/`; the layout below it is in ./layout.ts. */
  readonly prefix: string;
  /** The fencing number of this writer. A HEAD with a higher epoch fences it. */
  readonly epoch: number;
  /** Who writes, for people: `sandbox/<name> on <node>`. */
  readonly writer: string;
  /** Absolute path of the directory that holds the files. */
  readonly home: string;
  /** Absolute path, on the same file system but not inside `home`: journal and scan index. */
  readonly state: string;
  /** uid and gid given to every restored file, and to the home itself. */
  readonly ownerId: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Names that no commit takes: ./excludes.ts. None unless given. */
  readonly excludes?: readonly string[];
  /** Makes everything on the file system of `folder` durable; `sync -f` unless given. */
  readonly flush?: (folder: string) => Promise<void>;
}

export interface Home {
  /**
   * Makes HEAD ours (compare-and-swap to our epoch) and fills the home with it. After a crash it resumes; once it has
   * succeeded it returns at once and never touches newer local files. Commits are refused until it has succeeded.
   */
  readonly restore: (options: RestoreOptions) => Promise<RestoreReport>;
  /**
   * One scan; what changed since the last commit is packed and published. Nothing changed: no request is sent.
   * `final` is for a home that no process writes to any more: the report is clean or the call throws.
   */
  readonly commit: (options: CommitOptions) => Promise<CommitReport>;
  /** After `Fenced`: stores the whole home below `conflicts/` in one manifest of its own, so that nothing is dropped. */
  readonly saveConflict: (options: { readonly signal?: AbortSignal }) => Promise<{ readonly manifest: string }>;
  readonly close: () => Promise<void>;
}

export interface RestoreOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Begin with an older commit: ./restore-request.ts. Means nothing to a home that is restored already. A promise is
   * waited for once HEAD is claimed, so that whoever has to look it up need not do so first.
   */
  readonly request?: RestoreRequest | undefined | Promise<RestoreRequest | undefined>;
}

/** A wish to go back to an older commit, or to a conflict, given by its manifest or by its number. */
export interface RestoreRequest {
  readonly requestId: string;
  readonly manifest?: string | undefined;
  readonly sequence?: number | undefined;
}

/** Carried from HEAD to HEAD: the last request that was carried out. */
export interface Restored {
  readonly requestId: string;
  /** The commit whose tree was taken. */
  readonly manifest: string;
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface CommitOptions {
  readonly signal?: AbortSignal;
  readonly final?: boolean;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly filesDone: number;
  readonly filesTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

/** The published state: what the file `.ws/HEAD` says. */
export interface HeadSummary {
  readonly epoch: number;
  readonly sequence: number;
  /** Key of the manifest, below the prefix; undefined for a workspace that has never been committed to. */
  readonly manifest: string | undefined;
  /** Milliseconds since the epoch. */
  readonly committedAt: number;
  readonly files: number;
  readonly bytes: number;
  readonly restored?: Restored | undefined;
}

export interface RestoreReport {
  readonly head: HeadSummary;
  /** True when an earlier call had done it already. */
  readonly resumed: boolean;
  /**
   * Key, below the prefix, of a manifest of what was found in the home when the machine had gone down before a restore
   * had reached the disk: the home may have been torn, so it was put aside under `conflicts/` and restored anew.
   */
  readonly setAside?: string;
}

export interface CommitReport {
  readonly head: HeadSummary;
  /** False when nothing had changed. */
  readonly committed: boolean;
  /** Entries that changed while they were read and go into the next commit. */
  readonly dirty: number;
  /** Sockets, FIFOs and devices, relative to the home: they are not saved. At most 100 paths, `skippedTotal` counts all. */
  readonly skipped: readonly string[];
  readonly skippedTotal: number;
  /** Milliseconds the scan took, so that the caller can choose the next scan's time. */
  readonly scanMs: number;
}

export type HomeErrorReason =
  /** HEAD has a higher epoch, or another writer of this epoch: stop writing and call saveConflict. */
  | 'Fenced'
  /** A manifest, pack or blob is missing or does not match its hash. */
  | 'Corrupt'
  /** The older commit that was asked for is not there, or is damaged. HEAD is as it was. */
  | 'RestoreRefused'
  | 'DiskFull'
  /** commit before a complete restore. */
  | 'NotRestored'
  /** final commit, and something still changes. */
  | 'NotQuiet';

/** What the engine itself refuses; requests that fail are StoreErrors. */
export class HomeError extends Error {
  readonly reason: HomeErrorReason;

  constructor(reason: HomeErrorReason, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'HomeError';
    this.reason = reason;
  }
}

export const isHomeError = (thrown: unknown, ...reasons: readonly HomeErrorReason[]): thrown is HomeError =>
  thrown instanceof HomeError && (reasons.length === 0 || reasons.includes(thrown.reason));
