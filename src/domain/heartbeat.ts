import { ANNOTATION_LAST_HEARTBEAT } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { rfc3339 } from '../base/clock.ts';
import type { Situation } from './step.ts';

/** The facade's clock may be ahead of the controller's by so many milliseconds. */
const CLOCK_ERROR_MS = 60_000;

/**
 * The last heartbeat of the run, for the status. One counts while its pod lives, and if it was sent in this run; one
 * that comes late changes nothing about a sandbox that has ended, and a new run begins with none.
 */
export const lastHeartbeat = ({ sandbox, run, podView, now }: Situation): string | undefined => {
  const before = sandbox.status?.lastHeartbeatTime;
  if (run.kind !== 'going') return before;
  const kept = keptHeartbeat(sandbox, run.run.startedAt);
  const said = podView.kind === 'live' ? saidHeartbeat(sandbox, run.run.startedAt, now) : undefined;
  return said !== undefined && (kept === undefined || said > Date.parse(kept)) ? rfc3339(said) : kept;
};

/** What the status has of it, if that is of the run that began at `startedAt`. */
export const keptHeartbeat = ({ status }: Sandbox, startedAt: string): string | undefined =>
  status?.run?.startedAt === startedAt ? status.lastHeartbeatTime : undefined;

/** What the facade has written down since then, in milliseconds. What cannot be read, or cannot be, is as good as not said. */
export const saidHeartbeat = ({ metadata }: Sandbox, startedAt: string, now: number): number | undefined => {
  const said = Date.parse(metadata.annotations?.[ANNOTATION_LAST_HEARTBEAT] ?? '');
  return said >= Date.parse(startedAt) && said <= now + CLOCK_ERROR_MS ? said : undefined;
};
