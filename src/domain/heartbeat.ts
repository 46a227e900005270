import { ANNOTATION_LAST_HEARTBEAT } from '../api/names.ts';
import { rfc3339 } from '../base/clock.ts';
import type { Situation } from './step.ts';

/** The facade's clock may be ahead of the controller's by so many milliseconds. */
const CLOCK_ERROR_MS = 60_000;

/**
 * The last heartbeat of the run, for the status. One counts while its pod lives, and if it was sent in this run; one
 * that comes late changes nothing about a sandbox that has ended, and a new run begins with none.
 */
export const lastHeartbeat = ({ sandbox, run, podView, now }: Situation): string | undefined => {
  const { lastHeartbeatTime: before, run: runBefore } = sandbox.status ?? {};
  if (run.kind !== 'going') return before;
  const { startedAt } = run.run;
  const kept = runBefore?.startedAt === startedAt ? before : undefined;
  const said = Date.parse(sandbox.metadata.annotations?.[ANNOTATION_LAST_HEARTBEAT] ?? '');
  // What cannot be read, or cannot be, is as good as not said.
  const counts = podView.kind === 'live' && said >= Date.parse(startedAt) && said <= now + CLOCK_ERROR_MS;
  return counts && (kept === undefined || said > Date.parse(kept)) ? rfc3339(said) : kept;
};
