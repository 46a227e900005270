import { ANNOTATION_NEW_RUN } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { rfc3339 } from '../base/clock.ts';
import { nextEnd, type Run, type RunEnd } from './run-end.ts';
import { isDeleting } from './seen.ts';

/**
 * A run is one stretch of a Sandbox's life. All of it is in the status, and what follows from it is worked out anew in
 * every pass: a controller that was away finds out late what is over, and nothing else.
 *
 * - none: desiredState is not Running, or the Sandbox is being deleted. → going, a new one, when it is Running again.
 * - going: wanted. Until the sandbox is first Ready (`readyAt`) no time counts, however long that takes; a pod that is
 *   replaced belongs to the same run, and adds nothing. → over at readyAt + ttlSeconds, or when it was Ready and not used
 *   for idleSeconds, or without a heartbeat for heartbeatSeconds (./run-end.ts).
 *   With restartPolicy Never also when its pod is lost (./start-rules.ts).
 * - over: as unwanted as a stopped one: pod, save, writer, rest. The spec is the user's and stays as it is. → going
 *   again, the same run, when ttlSeconds puts its end into the future; going, a new one, on a new ANNOTATION_NEW_RUN;
 *   none when desiredState is no longer Running. An end for want of use, heartbeats or a pod is written down (`ended`), because
 *   what it follows from may still change: it is never going again but as a new run.
 */
export type RunView =
  | { readonly kind: 'none' }
  | { readonly kind: 'going'; readonly run: Run }
  | { readonly kind: 'over'; readonly run: Run; readonly end: RunEnd };

/** `now` is milliseconds since the epoch. */
export const runView = (sandbox: Sandbox, now: number): RunView => {
  if (isDeleting(sandbox) || sandbox.spec.desiredState !== 'Running') return { kind: 'none' };
  const request = newRunRequest(sandbox);
  const before = sandbox.status?.run;
  const begun: Run = { startedAt: rfc3339(now), ...(request === undefined ? {} : { request }) };
  if (before === undefined) return { kind: 'going', run: begun };
  const run = seenChange(sandbox, notAheadOf(now, before), now);
  const end = endOf(run, sandbox, now);
  if (end === undefined) return { kind: 'going', run: { ...run, ...(request === undefined ? {} : { request }) } };
  if (request !== undefined && request !== run.request) return { kind: 'going', run: begun };
  const { cause: by, at } = end;
  return { kind: 'over', run: by === 'Expired' ? run : { ...run, ended: { by, at: rfc3339(at) } }, end };
};

/** The first pass that sees another spec than the status speaks of says when that was, where it matters. */
const seenChange = ({ metadata, spec, status }: Sandbox, run: Run, now: number): Run => {
  const { idleSeconds, heartbeatSeconds } = spec.lifetime ?? {};
  const isLimited = idleSeconds !== undefined || heartbeatSeconds !== undefined;
  const isChanged = status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation;
  return isLimited && isChanged ? { ...run, changedAt: rfc3339(now) } : run;
};

/** Undefined while it has none. */
const endOf = (run: Run, sandbox: Sandbox, now: number): RunEnd | undefined => {
  const { ended } = run;
  if (ended !== undefined) return { cause: ended.by, at: Date.parse(ended.at) };
  const end = nextEnd(run, sandbox, now);
  return end === undefined || now < end.at ? undefined : end;
};

/** A clock that was ahead when a time was written must not make the run longer by its error. */
const notAheadOf = (now: number, run: Run): Run => ({
  ...run,
  startedAt: notAfter(now, run.startedAt),
  ...(run.readyAt === undefined ? {} : { readyAt: notAfter(now, run.readyAt) }),
  ...(run.changedAt === undefined ? {} : { changedAt: notAfter(now, run.changedAt) }),
});

/** `time`, or now where that is earlier. */
export const notAfter = (now: number, time: string): string => (Date.parse(time) <= now ? time : rfc3339(now));

const newRunRequest = ({ metadata }: Sandbox): string | undefined => {
  const said = metadata.annotations?.[ANNOTATION_NEW_RUN];
  return said === undefined || said === '' || said.length > 64 ? undefined : said;
};
