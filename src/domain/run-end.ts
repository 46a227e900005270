import { findCondition } from '../api/condition.ts';
import { ANNOTATION_LAST_ACTIVITY } from '../api/names.ts';
import { SandboxConditionType } from '../api/reasons.ts';
import { DEFAULT_LIFETIME, type Sandbox, type SandboxStatus } from '../api/sandbox.ts';
import { keptHeartbeat, saidHeartbeat } from './heartbeat.ts';

export type Run = NonNullable<SandboxStatus['run']>;

/** What ends a run by itself: the words of the reasons that Stopped gives. */
export type EndCause = 'Expired' | 'Idle' | 'HeartbeatMissed' | 'PodLost';

export interface RunEnd {
  readonly cause: EndCause;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** When its ttlSeconds are over, in milliseconds since the epoch; undefined while no time counts. */
export const runExpiry = ({ readyAt }: Run, sandbox: Sandbox): number | undefined =>
  readyAt === undefined ? undefined : Date.parse(readyAt) + ttlSeconds(sandbox) * 1000;

export const ttlSeconds = ({ spec }: Sandbox): number => spec.lifetime?.ttlSeconds ?? DEFAULT_LIFETIME.ttlSeconds;

/**
 * The first end that a run comes to if nothing changes; it may have come already. Undefined while no time counts.
 *
 * Use and heartbeats are asked for while the sandbox is Ready alone: nobody can use one that is being restored, and one
 * that is Ready again, with another pod, starts with the whole time. So does one whose spec was changed: what the facades
 * have written down until then suited the limits that there were. The facades write each use down before a quarter
 * of idleSeconds is over, so a clock that is behind by less than the rest ends nothing that is in use.
 */
export const nextEnd = (run: Run, sandbox: Sandbox, now: number): RunEnd | undefined => {
  const expiresAt = runExpiry(run, sandbox);
  if (expiresAt === undefined) return undefined;
  const ends: RunEnd[] = [{ cause: 'Expired', at: expiresAt }];
  const { idleSeconds, heartbeatSeconds } = sandbox.spec.lifetime ?? {};
  if (findCondition(sandbox.status?.conditions, SandboxConditionType.Ready)?.status === 'True') {
    const { beatAt, usedAt } = lastSigns(run, sandbox, now);
    if (idleSeconds !== undefined) ends.push({ cause: 'Idle', at: usedAt + idleSeconds * 1000 });
    if (heartbeatSeconds !== undefined) ends.push({ cause: 'HeartbeatMissed', at: beatAt + heartbeatSeconds * 1000 });
  }
  return ends.reduce((first, end) => (end.at < first.at ? end : first));
};

/** The last heartbeat and the last use, or since when there could be one. A time ahead of ours counts as now. */
const lastSigns = (run: Run, sandbox: Sandbox, now: number): { readonly beatAt: number; readonly usedAt: number } => {
  const { metadata, status } = sandbox;
  const latest = (...times: readonly (number | string | undefined)[]): number =>
    Math.max(
      ...times.map((time) => {
        const ms = typeof time === 'number' ? time : Date.parse(time ?? '');
        return Number.isNaN(ms) ? 0 : Math.min(ms, now);
      }),
    );
  const beatAt = latest(
    run.readyAt,
    run.changedAt,
    status?.startedAt,
    keptHeartbeat(sandbox, run.startedAt),
    saidHeartbeat(sandbox, run.startedAt, now),
  );
  return { beatAt, usedAt: latest(beatAt, metadata.annotations?.[ANNOTATION_LAST_ACTIVITY]) };
};
