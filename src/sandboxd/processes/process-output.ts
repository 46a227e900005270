import { ACKNOWLEDGED_WINDOW_BYTES } from '../protocol/names.ts';
import type { ProcessEnd } from '../protocol/process.ts';
import type { BufferBudget } from './buffer-budget.ts';
import { makeOutputBuffer, type OutputStream } from './output-buffer.ts';
import { type Linger, makeOutputReaders } from './output-readers.ts';

/** What a reader gets next. `bytes` is part of the array it gave. */
export type OutputPiece =
  | { readonly kind: 'bytes'; readonly stream: OutputStream; readonly offset: number; readonly length: number }
  | { readonly kind: 'gap'; readonly from: number; readonly to: number }
  | { readonly kind: 'end'; readonly offset: number; readonly end: ProcessEnd }
  | { readonly kind: 'nothing'; readonly offset: number };

export interface OutputReader {
  /** Copies what comes next into `target`. Whoever calls it again has sent on all that it got before. */
  readonly next: (target: Uint8Array) => OutputPiece;
  /** How many bytes could be read now. */
  readonly available: () => number;
  /** Resolves with true as soon as there may be something, and with false after `ms`. Rejects when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<boolean>;
  /** All before `cursor` has arrived: only for a reader that acknowledges. */
  readonly acknowledge: (cursor: number) => void;
  /** Also after the end. */
  readonly leave: () => void;
}

/** All output of one process: appended by its sources, read by any number of readers. */
export interface ProcessOutput {
  readonly append: (stream: OutputStream, bytes: Uint8Array) => void;
  /** Whether a source may read on. When not, `onRoom` is called as soon as it may. */
  readonly hasRoom: () => boolean;
  readonly onRoom: (listener: () => void) => void;
  /** Resolves as soon as the sources read: at once where they do. */
  readonly room: () => Promise<void>;
  /** Nothing is appended any more. */
  readonly finish: (end: ProcessEnd) => void;
  /**
   * `acknowledges`: it says what has arrived. For any other reader that is what it has sent on. Throws a RangeError for
   * a cursor behind the last byte.
   */
  readonly read: (from: { readonly cursor: number | 'live'; readonly acknowledges: boolean }) => OutputReader;
  readonly from: () => number;
  readonly total: () => number;
  readonly dropped: () => Readonly<Record<OutputStream, number>>;
  readonly size: () => number;
  /** Whether somebody has read all of it, and nobody is reading it still. */
  readonly isRead: () => boolean;
  /** Resolves when nobody reads it any more. */
  readonly left: () => Promise<void>;
  /** Forgets all that was buffered, as soon as nobody reads it any more. */
  readonly release: () => void;
}

export interface ProcessOutputOptions {
  readonly budget: BufferBudget;
  /** Whether a full buffer stops the process for its readers' sake. */
  readonly keepsForReaders: boolean;
  readonly linger: Linger;
}

/** A source reads no more than this at once. */
export const SOURCE_READ_BYTES = 64 << 10;
/** As much as is written before the first reader has acknowledged it; what was acknowledged is kept beside it. */
const MAX_UNACKNOWLEDGED_BYTES = 1 << 20;
/** How often it is asked whether there is room, while there is none, in milliseconds: readers' patience and memory end. */
const ROOM_CHECK_MS = 250;

export const makeProcessOutput = ({ budget, keepsForReaders, linger }: ProcessOutputOptions): ProcessOutput => {
  const buffer = makeOutputBuffer(budget);
  const readers = makeOutputReaders(linger, keepsForReaders ? Date.now() : undefined);
  const waiting = new Set<() => void>();
  const roomListeners: (() => void)[] = [];
  let roomWaiting: (() => void)[] = [];
  let end: ProcessEnd | undefined;
  const leftWaiting: (() => void)[] = [];
  let waking = false;
  let readToEnd = 0;
  let reading = 0;
  let released = false;
  let blocked: NodeJS.Timeout | undefined;

  /** Once for all that came in one turn of the event loop: a frame costs more than what is in it. */
  const notify = (): void => {
    if (waking || waiting.size === 0) return;
    waking = true;
    setImmediate(() => {
      waking = false;
      for (const wake of waiting) wake();
    });
  };

  const roomNow = (): boolean => {
    const keepFrom = keepsForReaders ? readers.keepFrom(Date.now()) : undefined;
    if (keepFrom === undefined) return true;
    return (
      buffer.total() - keepFrom + SOURCE_READ_BYTES <= MAX_UNACKNOWLEDGED_BYTES &&
      buffer.reserve(SOURCE_READ_BYTES, keepFrom)
    );
  };

  /** Lets the sources go on, if they wait and now may. */
  const checkRoom = (): void => {
    if (blocked === undefined || !roomNow()) return;
    unblock();
    for (const listener of roomListeners) listener();
  };
  const unblock = (): void => {
    clearInterval(blocked);
    blocked = undefined;
    const woken = roomWaiting;
    roomWaiting = [];
    for (const wake of woken) wake();
  };

  const read: ProcessOutput['read'] = ({ cursor, acknowledges }) => {
    const start = cursor === 'live' ? readers.liveCursor(buffer.total()) : cursor;
    if (start > buffer.total()) throw new RangeError(`there are only ${buffer.total()} bytes so far`);
    const position = readers.enter(start, Date.now());
    reading += 1;
    let gone = false;
    let finished = false;

    const limit = (): number => {
      const written = buffer.total() - position.sent;
      const window = position.acknowledged + ACKNOWLEDGED_WINDOW_BYTES - position.sent;
      return acknowledges ? Math.min(written, window) : written;
    };
    const arrived = (offset: number): void => {
      if (offset <= position.acknowledged) return;
      position.acknowledged = Math.min(offset, position.sent);
      checkRoom();
    };

    return {
      available: () => Math.max(0, Math.min(limit(), buffer.total() - buffer.from())),
      next: (target) => {
        if (!acknowledges) arrived(position.sent);
        if (position.sent < buffer.from()) {
          const gap = { kind: 'gap', from: position.sent, to: buffer.from() } as const;
          position.sent = gap.to;
          arrived(gap.to);
          return gap;
        }
        const most = Math.min(limit(), target.length);
        if (most > 0) {
          const offset = position.sent;
          const piece = buffer.read(offset, target.subarray(0, most));
          position.sent += piece.length;
          return { kind: 'bytes', offset, ...piece };
        }
        if (end === undefined || position.sent < buffer.total()) return { kind: 'nothing', offset: position.sent };
        finished = true;
        return { kind: 'end', offset: position.sent, end };
      },
      wait: (ms, signal) =>
        new Promise((resolve, reject) => {
          const settle = (): void => {
            clearTimeout(timer);
            waiting.delete(wake);
            signal.removeEventListener('abort', abort);
          };
          const wake = (): void => {
            settle();
            resolve(true);
          };
          const abort = (): void => {
            settle();
            reject(signal.reason as Error);
          };
          const timer = setTimeout(() => {
            settle();
            resolve(false);
          }, ms);
          waiting.add(wake);
          if (signal.aborted) abort();
          else signal.addEventListener('abort', abort);
        }),
      acknowledge: (offset) => {
        arrived(offset);
        notify();
      },
      leave: () => {
        if (gone) return;
        gone = true;
        reading -= 1;
        if (finished) {
          readToEnd += 1;
          readers.finish(position);
        } else readers.leave(position, Date.now());
        if (reading === 0) {
          if (released) buffer.release();
          for (const resolve of leftWaiting.splice(0)) resolve();
        }
        checkRoom();
      },
    };
  };

  return {
    append: (stream, bytes) => {
      buffer.append(stream, bytes);
      notify();
    },
    hasRoom: () => {
      if (blocked !== undefined) return false;
      if (roomNow()) return true;
      blocked = setInterval(checkRoom, ROOM_CHECK_MS);
      blocked.unref();
      return false;
    },
    onRoom: (listener) => void roomListeners.push(listener),
    room: () =>
      blocked === undefined
        ? Promise.resolve()
        : new Promise((resolve) => {
            roomWaiting.push(resolve);
          }),
    finish: (value) => {
      end = value;
      unblock();
      buffer.seal();
      notify();
    },
    read,
    from: buffer.from,
    total: buffer.total,
    dropped: buffer.dropped,
    size: buffer.size,
    isRead: () => readToEnd > 0 && reading === 0,
    left: () =>
      reading === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            leftWaiting.push(resolve);
          }),
    release: () => {
      released = true;
      if (reading === 0) buffer.release();
    },
  };
};
