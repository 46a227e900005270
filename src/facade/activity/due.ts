import { ANNOTATION_LAST_ACTIVITY, ANNOTATION_LAST_HEARTBEAT } from '../../api/names.ts';
import type { Sandbox } from '../../api/sandbox.ts';

/** However often a sandbox says that it lives, it is written down so often at most. */
const HEARTBEAT_INTERVAL_MS = 30_000;
/** A replica that is killed takes with it what it has heard for so long at most. */
const LONGEST_INTERVAL_MS = 300_000;

/** What is written down of a Sandbox, each in an annotation of its own. */
export type Sign = 'activity' | 'heartbeat';
export const SIGNS: readonly Sign[] = ['activity', 'heartbeat'];

export const ANNOTATIONS: Readonly<Record<Sign, string>> = {
  activity: ANNOTATION_LAST_ACTIVITY,
  heartbeat: ANNOTATION_LAST_HEARTBEAT,
};

/**
 * Milliseconds between two writes of a sign; undefined where nobody asks for it. A quarter of the limit that it serves,
 * so that three may go wrong before anything ends.
 */
export const intervalMs = (sign: Sign, { spec }: Sandbox): number | undefined => {
  const { idleSeconds, heartbeatSeconds } = spec.lifetime ?? {};
  const quarter = (seconds: number | undefined): number => (seconds === undefined ? Infinity : seconds * 250);
  if (sign === 'heartbeat') return Math.min(HEARTBEAT_INTERVAL_MS, quarter(heartbeatSeconds), quarter(idleSeconds));
  return idleSeconds === undefined ? undefined : Math.min(LONGEST_INTERVAL_MS, quarter(idleSeconds));
};

/** Whether the last one has to be on record to the second, because an end is counted from it. */
export const isCountedFrom = (sign: Sign, { spec }: Sandbox): boolean =>
  spec.lifetime?.idleSeconds !== undefined || (sign === 'heartbeat' && spec.lifetime?.heartbeatSeconds !== undefined);

/** When a sign may be written again, by what is on record; undefined where nobody asks for it. */
export const dueAt = (sign: Sign, sandbox: Sandbox, now: number): number | undefined => {
  const interval = intervalMs(sign, sandbox);
  if (interval === undefined) return undefined;
  const recorded = recordedAt(sign, sandbox);
  // A time ahead of ours is a clock that was wrong, and keeps nobody from writing the right one.
  return recorded === undefined || recorded - now >= interval ? now : recorded + interval;
};

/** What is on record, in milliseconds since the epoch. */
export const recordedAt = (sign: Sign, { metadata }: Sandbox): number | undefined => {
  const recorded = Date.parse(metadata.annotations?.[ANNOTATIONS[sign]] ?? '');
  return Number.isNaN(recorded) ? undefined : recorded;
};
