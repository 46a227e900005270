import type { OutputStream } from './output-buffer.ts';

/** How the first process of a child ended. */
export interface ChildExit {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** What a child reads. */
export interface ChildInput {
  /** Resolves when the system has taken all of it, which waits for the child. Rejects when the child reads no more. */
  readonly write: (bytes: Buffer) => Promise<void>;
  readonly end: () => Promise<void>;
}

/** A started program, in a session of its own whose id is `pid`. */
export interface Child {
  readonly pid: number;
  readonly input: ChildInput | undefined;
  readonly exited: Promise<ChildExit>;
  /** Resolves when all of its outputs have ended: nobody holds them open any more. */
  readonly outputEnded: Promise<void>;
  readonly pause: () => void;
  readonly resume: () => void;
  /**
   * Nobody reads it any more, and nothing is written. What still comes through a pipe is thrown away, so that whoever
   * writes it does not die of it; a terminal hangs up.
   */
  readonly letGo: () => void;
  /** Closes everything. */
  readonly destroy: () => void;
  /** Of a terminal. */
  readonly resize?: (size: { readonly cols: number; readonly rows: number }) => void;
}

export interface Program {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: boolean;
}

/** Where a child's output goes, as soon as it comes. False: no more, until `resume`. */
export type TakeOutput = (stream: OutputStream, bytes: Uint8Array) => boolean;
