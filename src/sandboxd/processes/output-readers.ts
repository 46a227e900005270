/** Milliseconds that the output waits for readers who have gone. */
export interface Linger {
  /** While nobody reads. */
  readonly aloneMs: number;
  /** While others read: they are not to wait for somebody who closed a window. */
  readonly besideOthersMs: number;
}

export const LINGER: Linger = Object.freeze({ aloneMs: 60_000, besideOthersMs: 5000 });

/** Where one reader is. */
export interface ReaderPosition {
  /** All before it have arrived; nothing behind it may be dropped for this reader's sake. */
  acknowledged: number;
  /** The next byte to send. */
  sent: number;
}

/**
 * Who reads the output of one process, and which bytes are kept for them. A reader that has gone is waited for, for a
 * while, at the last byte it acknowledged: what was sent behind that may never have arrived. One that comes back for a
 * byte between the two takes its own place again.
 */
export interface OutputReaders {
  readonly enter: (cursor: number, now: number) => ReaderPosition;
  readonly leave: (position: ReaderPosition, now: number) => void;
  /** It has read to the end: nobody need wait for it. */
  readonly finish: (position: ReaderPosition) => void;
  /** The first byte that somebody still needs; undefined where nobody is waited for. */
  readonly keepFrom: (now: number) => number | undefined;
  /** Where a reader goes on that knows no cursor: what the last one did not get, or what comes from now on (`total`). */
  readonly liveCursor: (total: number) => number;
}

interface Departed {
  readonly position: ReaderPosition;
  readonly at: number;
}

/** More that have gone are not remembered. */
const MAX_DEPARTED = 16;

/** `awaitedAt`: the time from which on the first reader, who is not there yet, is waited for. */
export const makeOutputReaders = (linger: Linger, awaitedAt: number | undefined): OutputReaders => {
  const present = new Set<ReaderPosition>();
  let departed: readonly Departed[] =
    awaitedAt === undefined ? [] : [{ position: { acknowledged: 0, sent: 0 }, at: awaitedAt }];

  return {
    enter: (cursor, now) => {
      const itself = departed
        .filter(({ position }) => position.acknowledged <= cursor && cursor <= position.sent)
        .reduce<Departed | undefined>((last, one) => (last === undefined || one.at > last.at ? one : last), undefined);
      departed = departed.filter((one) => one !== itself && now - one.at < linger.aloneMs);
      const position = { acknowledged: cursor, sent: cursor };
      present.add(position);
      return position;
    },
    leave: (position, now) => {
      if (!present.delete(position)) return;
      departed = [...departed.filter(({ at }) => now - at < linger.aloneMs), { position, at: now }].slice(
        -MAX_DEPARTED,
      );
    },
    finish: (position) => {
      present.delete(position);
    },
    keepFrom: (now) => {
      const patience = present.size === 0 ? linger.aloneMs : linger.besideOthersMs;
      const needed = [
        ...[...present].map(({ acknowledged }) => acknowledged),
        ...departed.filter(({ at }) => now - at < patience).map(({ position }) => position.acknowledged),
      ];
      return needed.length === 0 ? undefined : Math.min(...needed);
    },
    liveCursor: (total) => {
      const last = present.size === 0 ? departed.at(-1) : undefined;
      return last === undefined ? total : last.position.sent;
    },
  };
};
