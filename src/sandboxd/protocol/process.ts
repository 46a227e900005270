/** The native process API of sandboxd. All of it is JSON but for output (frames.ts) and input (bytes as they are). */

/** `POST /matrx/processes`: 201 with ProcessInfo; with `?attach=1`, 200 with the frames from the first byte on. */
export interface StartProcess {
  /** Chosen by the caller, `[a-z0-9-]{1,64}`: a second start of the same id starts nothing, and answers the first. */
  readonly id?: string;
  /** A program and its arguments; exactly one of `argv` and `shell`. */
  readonly argv?: readonly string[];
  /** A bash command, run with not a character added to it. */
  readonly shell?: string;
  /** Absolute. Unless given: where the session's last command ended, or the home. */
  readonly cwd?: string;
  /** On top of the daemon's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whose working directory a `shell` command begins in and moves. Without one nothing is remembered. */
  readonly session?: string;
  /** Whether anything will be sent to its stdin; otherwise that is /dev/null. */
  readonly stdin?: boolean;
  readonly pty?: PtySize;
  /** Its process group is ended, TERM and 5 s later KILL, when it has run so long. */
  readonly timeoutMs?: number;
  /**
   * attached: somebody reads it. A full buffer stops the process until there is room, also while its reader is away for
   * a short time. background: nobody need read it. A full buffer loses its oldest bytes, and a `gap` frame says so.
   */
  readonly keep: 'attached' | 'background';
  /** For people. */
  readonly label?: string;
}

export interface PtySize {
  readonly cols: number;
  readonly rows: number;
}

export interface ProcessInfo {
  readonly id: string;
  readonly pid: number;
  readonly argv: readonly string[];
  readonly label: string | null;
  readonly cwd: string;
  readonly pty: boolean;
  readonly startedAt: string;
  readonly running: boolean;
  /** Bytes of output so far, and the first of them that is still there. */
  readonly outputBytes: number;
  readonly outputFrom: number;
  /** The bytes of each stream before that; a daemon of before says nothing of them. */
  readonly dropped?: { readonly stdout: number; readonly stderr: number; readonly pty: number };
  readonly end: ProcessEnd | null;
}

/** The payload of `end`. */
export interface ProcessEnd {
  /** Null where a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly timedOut: boolean;
  /** Where a `shell` command ended; null where that is not known. */
  readonly cwd: string | null;
  readonly endedAt: string;
}

/** The payload of `gap`: bytes that were dropped before they were read. The next frame begins at `to`. */
export interface OutputGap {
  readonly from: number;
  readonly to: number;
}

/*
 * GET    /matrx/processes                                 { processes: ProcessInfo[] }, the running and the last ended
 * GET    /matrx/processes/:id                             ProcessInfo
 * GET    /matrx/processes/:id/output?cursor=N[&follow=0]  frames from byte N; ends with `end`, or (follow=0) with what is there
 * POST   /matrx/processes/:id/output/acknowledge?reader=R&cursor=N   all before byte N has arrived at reader R
 * POST   /matrx/processes/:id/input[?offset=N]            the body goes to stdin; N bytes were sent before. { offset }, the
 *                                                         bytes taken so far: what is sent twice is taken once. Without
 *                                                         an offset it goes behind all that others have sent
 * POST   /matrx/processes/:id/input/close                 ends stdin
 * POST   /matrx/processes/:id/signal {signal}             to the process group
 * POST   /matrx/processes/:id/resize {cols, rows}
 * DELETE /matrx/processes/:id                             KILL if it runs, and forget it
 *
 * A reader of frames (output, or start with attach=1) may name itself by `&reader=R`, anew each time. No more than
 * ACKNOWLEDGED_WINDOW_BYTES are then sent ahead of what it acknowledges, which it does after every ACKNOWLEDGE_EVERY_BYTES
 * and at the latest after READER_SILENCE_MS (names.ts), and what it has not acknowledged is still there, for the time of
 * its linger, when it comes back for it. Without a name that holds for what the system has taken to send, and a broken
 * connection loses what was on its way, if the buffer has moved on.
 */
