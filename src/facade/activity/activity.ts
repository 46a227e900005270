import type { Sandbox } from '../../api/sandbox.ts';
import { FIELD_MANAGER_FACADE } from '../../api/names.ts';
import { type Clock, rfc3339 } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadline.ts';
import { SANDBOXES } from '../../kube/resource-types.ts';
import type { Log } from '../../telemetry/log.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { sandboxState, takesCommands } from '../sandbox-status.ts';
import { ANNOTATIONS, dueAt, isCountedFrom, recordedAt, type Sign, SIGNS } from './due.ts';

/**
 * Tells the controller that sandboxes are used, and that they live: what idleSeconds and heartbeatSeconds are counted
 * from. Not once a request: while a sandbox is used, each replica sees what is on record in its own cache, whoever wrote
 * it, and writes when that is older than a quarter of the limit (./due.ts). What came after the last write is owed, and
 * written when the next is due.
 *
 * A replica that ends writes what it owes. One that is killed takes up to a quarter of the limit with it; its clients
 * come back to another, which writes. Where the API server takes no writes, nothing is
 * recorded, and the controller can end nothing either.
 */
export interface Activity {
  /**
   * The sandbox is used from now until `over` aborts. Resolves with it as it is once that is on record: then the
   * controller cannot end it for want of use any more, or has done so already, as its status says. Where the record
   * cannot be written it does not keep anybody waiting for long. Never rejects.
   */
  readonly use: (sandbox: Sandbox, over: AbortSignal) => Promise<Sandbox>;
  /** The sandbox has said that it lives. Rejects with a KubeError where that was to be written and cannot. */
  readonly heartbeat: (sandbox: Sandbox) => Promise<void>;
  /** Writes what is owed, for a moment, and forgets the rest. */
  readonly stop: () => Promise<void>;
}

/** For what looks at a sandbox and is no use of it. */
export const NO_ACTIVITY: Activity = Object.freeze<Activity>({
  use: (sandbox) => Promise.resolve(sandbox),
  heartbeat: () => Promise.resolve(),
  stop: () => Promise.resolve(),
});

/** What is heard of one Sandbox, from its first use until nothing is owed of it. */
interface Tracked {
  readonly name: string;
  readonly uid: string | undefined;
  /** One for each use that goes on. */
  readonly users: Set<AbortSignal>;
  /** When it was last heard, in milliseconds since the epoch. */
  readonly heard: Partial<Record<Sign, number>>;
  readonly unsubscribe: () => void;
  writing: Promise<void> | undefined;
  /** The next write of its own accord comes no sooner, whatever went wrong, and whatever other replicas' clocks say. */
  pauseUntil: number;
  timer: AbortController | undefined;
}

interface Owed {
  readonly sign: Sign;
  readonly at: number;
  readonly due: number;
}

/** What a request waits for a record at most. */
const PATIENCE_MS = 2_000;
const PAUSE_MS = 5_000;

export interface ActivityOptions extends Pick<FacadeDependencies, 'kube' | 'cache'> {
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
}

export const makeActivity = ({ kube, cache, namespace, clock, log }: ActivityOptions): Activity => {
  const all = new Map<string, Tracked>();
  let isStopped = false;

  const track = ({ metadata: { name, uid } }: Sandbox): Tracked => {
    const known = all.get(name);
    if (known !== undefined && known.uid === uid) return known;
    if (known !== undefined) forget(known);
    const tracked: Tracked = {
      name,
      uid,
      users: new Set(),
      heard: {},
      unsubscribe: cache.subscribe(name, () => look(tracked)),
      writing: undefined,
      pauseUntil: 0,
      timer: undefined,
    };
    all.set(name, tracked);
    return tracked;
  };

  const forget = (tracked: Tracked): void => {
    tracked.timer?.abort();
    tracked.unsubscribe();
    if (all.get(tracked.name) === tracked) all.delete(tracked.name);
  };

  /** What has to be written, now or when it is due, of the very Sandbox, and while it takes commands. */
  const owedOf = (tracked: Tracked, now: number): readonly Owed[] => {
    const { name, uid, users, heard } = tracked;
    const sandbox = cache.get(name);
    if (sandbox === undefined || sandbox.metadata.uid !== uid || !takesCommands(sandboxState(sandbox))) return [];
    if (users.size > 0) heard.activity = now;
    return SIGNS.flatMap((sign) => {
      const at = heard[sign];
      const due = dueAt(sign, sandbox, now);
      if (at === undefined || due === undefined || !isCountedFrom(sign, sandbox)) return [];
      // Records are of whole seconds.
      const isNews = at - (recordedAt(sign, sandbox) ?? 0) >= 1_000;
      return isNews || (sign === 'activity' && users.size > 0) ? [{ sign, at, due }] : [];
    });
  };

  const write = async ({ name, uid }: Tracked, signs: readonly Pick<Owed, 'sign' | 'at'>[]): Promise<void> => {
    const annotations = Object.fromEntries(signs.map(({ sign, at }) => [ANNOTATIONS[sign], rfc3339(at)]));
    const patched = await kube.mergePatch<Sandbox>(
      { type: SANDBOXES, namespace, name },
      { metadata: { ...(uid === undefined ? {} : { uid }), annotations } },
      { fieldManager: FIELD_MANAGER_FACADE },
    );
    cache.put(patched);
  };

  const startWrite = (tracked: Tracked, signs: Parameters<typeof write>[1]): Promise<void> => {
    tracked.timer?.abort();
    tracked.pauseUntil = clock.now() + PAUSE_MS;
    tracked.writing = write(tracked, signs).finally(() => {
      tracked.writing = undefined;
      look(tracked);
    });
    return tracked.writing;
  };

  /** Writes what is due, sees to what is due later, and forgets what nothing is owed of. */
  const look = (tracked: Tracked): void => {
    if (tracked.writing !== undefined || isStopped || all.get(tracked.name) !== tracked) return;
    tracked.timer?.abort();
    const now = clock.now();
    const owed = owedOf(tracked, now);
    if (owed.length === 0) {
      if (tracked.users.size === 0) forget(tracked);
      return;
    }
    const due = Math.max(tracked.pauseUntil, Math.min(...owed.map((each) => each.due)));
    if (due > now) {
      tracked.timer = new AbortController();
      clock.sleep(due - now, tracked.timer.signal).then(
        () => look(tracked),
        () => undefined,
      );
      return;
    }
    startWrite(tracked, owed).catch((error: unknown) => {
      log.warn({ sandbox_id: tracked.name, err: error }, 'that a sandbox is used could not be written down');
    });
  };

  return {
    use: async (sandbox, over) => {
      if (isStopped) return sandbox;
      const tracked = track(sandbox);
      const end = (): void => {
        tracked.heard.activity = clock.now();
        tracked.users.delete(over);
        look(tracked);
      };
      tracked.heard.activity = clock.now();
      if (!over.aborted && !tracked.users.has(over)) {
        tracked.users.add(over);
        over.addEventListener('abort', end, { once: true });
      }
      look(tracked);
      const { writing } = tracked;
      if (writing === undefined) return sandbox;
      const patience = { what: 'a record of use', ms: PATIENCE_MS, signal: over };
      await withDeadline(clock, patience, () => writing).catch(() => undefined);
      const newest = cache.get(sandbox.metadata.name);
      return newest !== undefined && newest.metadata.uid === sandbox.metadata.uid ? newest : sandbox;
    },
    heartbeat: async (sandbox) => {
      if (isStopped) return;
      const at = clock.now();
      const tracked = track(sandbox);
      tracked.heard.heartbeat = at;
      const due = dueAt('heartbeat', sandbox, at);
      // While one is being written another has nothing to add.
      if (due === undefined || due > at || tracked.writing !== undefined) look(tracked);
      else await startWrite(tracked, [{ sign: 'heartbeat', at }]);
    },
    stop: async () => {
      isStopped = true;
      const now = clock.now();
      const last = [...all.values()].map(async (tracked) => {
        const owed = owedOf(tracked, now);
        forget(tracked);
        if (owed.length > 0) await write(tracked, owed);
      });
      const patience = { what: 'the last records of use', ms: PATIENCE_MS };
      await withDeadline(clock, patience, () => Promise.allSettled(last)).catch(() => undefined);
    },
  };
};
