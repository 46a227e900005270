import { ANNOTATION_NEW_RUN } from '../api/names.ts';
import { DEFAULT_LIFETIME, type Sandbox, type SandboxStatus } from '../api/sandbox.ts';
import { rfc3339 } from '../base/clock.ts';
import { isDeleting } from './seen.ts';

export type Run = NonNullable<SandboxStatus['run']>;

/**
 * A run is one stretch of a Sandbox's life. All of it is in the status, and what follows from it is worked out anew in
 * every pass: a controller that was away finds out late what is over, and nothing else.
 *
 * - none: desiredState is not Running, or the Sandbox is being deleted. → going, a new one, when it is Running again.
 * - going: wanted. Until the sandbox is first Ready (`readyAt`) no time counts, however long that takes; a pod that is
 *   replaced belongs to the same run, and adds nothing. → over at readyAt + ttlSeconds.
 * - over: as unwanted as a stopped one: pod, save, writer, rest. The spec is the user's and stays as it is. → going
 *   again, the same run, when ttlSeconds puts its end into the future; going, a new one, on a new ANNOTATION_NEW_RUN;
 *   none when desiredState is no longer Running.
 */
export type RunView =
  | { readonly kind: 'none' }
  | { readonly kind: 'going'; readonly run: Run }
  | { readonly kind: 'over'; readonly run: Run; readonly expiresAt: number };

/** `now` is milliseconds since the epoch. */
export const runView = (sandbox: Sandbox, now: number): RunView => {
  if (isDeleting(sandbox) || sandbox.spec.desiredState !== 'Running') return { kind: 'none' };
  const request = newRunRequest(sandbox);
  const before = sandbox.status?.run;
  const begun: Run = { startedAt: rfc3339(now), ...(request === undefined ? {} : { request }) };
  if (before === undefined) return { kind: 'going', run: begun };
  const run = notAheadOf(now, before);
  const expiresAt = runExpiry(run, sandbox);
  if (expiresAt === undefined || now < expiresAt) {
    return { kind: 'going', run: { ...run, ...(request === undefined ? {} : { request }) } };
  }
  return request !== undefined && request !== run.request
    ? { kind: 'going', run: begun }
    : { kind: 'over', run, expiresAt };
};

/** Milliseconds since the epoch; undefined while no time counts. */
export const runExpiry = ({ readyAt }: Run, sandbox: Sandbox): number | undefined =>
  readyAt === undefined ? undefined : Date.parse(readyAt) + ttlSeconds(sandbox) * 1000;

export const ttlSeconds = ({ spec }: Sandbox): number => spec.lifetime?.ttlSeconds ?? DEFAULT_LIFETIME.ttlSeconds;

/** A clock that was ahead when a time was written must not make the run longer by its error. */
const notAheadOf = (now: number, run: Run): Run => ({
  ...run,
  startedAt: notAfter(now, run.startedAt),
  ...(run.readyAt === undefined ? {} : { readyAt: notAfter(now, run.readyAt) }),
});

/** `time`, or now where that is earlier. */
export const notAfter = (now: number, time: string): string => (Date.parse(time) <= now ? time : rfc3339(now));

const newRunRequest = ({ metadata }: Sandbox): string | undefined => {
  const said = metadata.annotations?.[ANNOTATION_NEW_RUN];
  return said === undefined || said === '' || said.length > 64 ? undefined : said;
};
