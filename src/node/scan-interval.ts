import type { Random } from '../base/random.ts';

/** What the last scan of a home was like, and how many before it were the same. */
export interface ScanRhythm {
  /** True when the scan found something to commit. */
  readonly busy: boolean;
  /** Scans in a row, before this one, that were as busy or as quiet. */
  readonly streak: number;
}

export const FIRST_RHYTHM: ScanRhythm = Object.freeze({ busy: false, streak: 0 });

export const nextRhythm = (last: ScanRhythm, busy: boolean): ScanRhythm => ({
  busy,
  streak: busy === last.busy ? last.streak + 1 : 0,
});

const SHORTEST_MS = 2000;
/** A scan takes at most a twentieth of one core's time, however large the home is. */
const REST_PER_SCAN = 20;
/** At most this part of a delay is chance, so that homes opened together do not scan together. */
const JITTER = 0.2;

export interface ScanIntervalInput {
  readonly rhythm: ScanRhythm;
  /** Milliseconds the last scan took. */
  readonly scanMs: number;
  /** Milliseconds: what a lost node may cost at most, scan and upload aside. */
  readonly rpoMs: number;
  readonly random: Random;
}

/**
 * Milliseconds until the next scan. At every turn from quiet to busy or back it is 2 s (the tail of a burst is committed
 * soon), then doubles up to the recovery point objective: a home that changes all the time costs one commit per
 * objective, and so does no home more. A home whose scan takes longer than a twentieth of the objective is scanned less
 * often than that: its scans would otherwise eat the node.
 */
export const scanInterval = ({ rhythm, scanMs, rpoMs, random }: ScanIntervalInput): number => {
  const wanted = Math.min(rpoMs, SHORTEST_MS * 2 ** Math.min(rhythm.streak, 30));
  const spread = wanted * (1 - JITTER * random.float());
  return Math.max(spread, scanMs * REST_PER_SCAN * (1 + JITTER * random.float()));
};

/** Milliseconds until a commit that failed is tried again: each try begins with a scan. */
export const retryInterval = (delayMs: number, scanMs: number): number => Math.max(delayMs, scanMs * REST_PER_SCAN);
