import { access } from 'node:fs/promises';
import { FIELD_MANAGER_NODE } from '../../api/names.ts';
import type { ColdDriverName } from '../../api/workspace-cold.ts';
import { rfc3339 } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadline.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { Log } from '../../telemetry/log.ts';
import type { ObjectStore } from '../../workspace/object-store.ts';
import { tierUsage } from '../../workspace/tiers.ts';
import { makeChangeSignal } from '../change-signal.ts';
import { CsiError } from '../csi-error.ts';
import type { Mounts } from '../mounts.ts';
import { makeStatusReporter, workspaceRef, type StatusReporterDeps } from '../status-reporter.ts';
import { makeTurns } from '../turns.ts';
import type { Volume } from '../volume-table.ts';
import type { ColdJournal } from './cold-journal.ts';
import { startColdSession, type ColdDeps, type ColdSession, type ColdView } from './cold-mount.ts';
import { coldPaths, mountPoint, type ColdRecord } from './cold-record.ts';
import { coldKey, coldPatch, lateClosePatch, type ColdVolumeView } from './cold-status.ts';
import { markNewUser } from './mark-new-user.ts';
import type { MountDriver } from './mount-driver.ts';

export interface ColdVolumeDeps extends StatusReporterDeps, Omit<ColdDeps, 'onChange' | 'driver'> {
  readonly drivers: Readonly<Record<ColdDriverName, MountDriver>>;
  readonly mounts: Mounts;
  readonly journal: Pick<ColdJournal, 'save' | 'remove'>;
  /** With the driver's own credentials. */
  readonly store: Pick<ObjectStore, 'list' | 'put'>;
  readonly log: Log;
  readonly node: string;
  readonly bucket: string;
  readonly coldDir: string;
  /** How long the end of a pod waits for its uploads, in milliseconds. */
  readonly saveWaitMs: number;
}

/**
 * The cold volume of one pod on this node, from its publish until nothing of it is left:
 *
 *   serving    mounted below the pod's volume, and mounted anew when it breaks (./cold-mount.ts)
 *   draining   the containers are dead: uploaded through that mount, for as long as the end of a pod may wait
 *   sending    the pod has gone, and files are left: mounted in a folder of our own and uploaded, as long as it takes
 *   closed     all of it is in the bucket, and the Workspace's status says so; then the folder goes, the journal last
 *
 * A driver that stops leaves it where it is; the next one goes on from the journal.
 */
export interface ColdVolume {
  readonly view: () => ColdVolumeView;
  readonly until: (condition: (view: ColdVolumeView) => boolean, ms: number, signal?: AbortSignal) => Promise<boolean>;
  /** Shows the volume at its target, mounted or not. Throws a CsiError once it is released. */
  readonly attach: (target: string) => Promise<void>;
  /** Whether the Workspace's status speaks of this volume: false once another is the writer. Rejects after `ms`. */
  readonly known: (ms: number, signal: AbortSignal) => Promise<boolean>;
  /** It is shown by this volume, and not by the one that was expected. Resolves when the journal says so. */
  readonly rename: (volume: Volume) => Promise<void>;
  /** A newer one for STS. */
  readonly renewToken: (token: string | undefined) => void;
  /** No process writes to it any more. Resolves when the journal says so. */
  readonly release: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** One look at the rest, when nobody waits for it any more; then the mount is made anew. */
const SEND_MS = 10 * 60_000;
/** Eleven requests at most: what a volume's end may cost. */
const MOST_COUNTED = 10_000;
const COUNT_MS = 5000;
const REVOKE_MS = 5000;
/** How often the queue of a drain is written to the API. */
const REPORT_EVERY_MS = 2000;

export interface ColdBeginning {
  /** False: nobody has asked for it yet, and its target does not exist. It is reported, and served from `attach` on. */
  readonly shown: boolean;
  readonly stsToken: string | undefined;
}

/** `onFinished` is called when nothing of it is left on this node. */
export const startColdVolume = (
  deps: ColdVolumeDeps,
  initial: ColdRecord,
  beginning: ColdBeginning,
  onFinished: () => void,
): ColdVolume => {
  const own = deps.drivers[initial.driver];
  const paths = coldPaths(deps.coldDir, initial.workspace, initial.epoch);
  const log = deps.log.child({ workspace: initial.workspace, epoch: initial.epoch, sandbox: initial.sandbox });
  const change = makeChangeSignal(deps.clock);
  const inTurn = makeTurns();
  const stopping = new AbortController();
  const released = Promise.withResolvers<void>();
  const reporter = makeStatusReporter<ColdVolumeView>(deps, {
    of: ({ record }) => record,
    key: (view) => coldKey(view, deps.node),
    write: async (view, signal) =>
      void (await deps.kube.jsonPatch(workspaceRef(view.record), coldPatch(view, deps.node, deps.clock.now()), {
        subresource: 'status',
        fieldManager: FIELD_MANAGER_NODE,
        signal,
      })),
  });
  const shown = Promise.withResolvers<void>();
  if (beginning.shown) shown.resolve();
  let token = beginning.stsToken;
  let view: ColdVolumeView = { record: initial, cold: { state: 'Mounting' }, detached: false, closed: false };
  let reportedAt = -Infinity;
  let session: ColdSession | undefined;

  const set = (part: Partial<ColdVolumeView>): void => {
    view = { ...view, ...part };
    change.notify();
    reportedAt = deps.clock.monotonic();
    reporter.update(view);
  };
  const onChange = (cold: ColdView): void => {
    const isProgress =
      cold.state === 'Draining' && view.cold.state === 'Draining' && cold.failure === view.cold.failure;
    if (isProgress && deps.clock.monotonic() - reportedAt < REPORT_EVERY_MS) return;
    // What the process has said last still tells what is unsent when it is not there.
    set({ cold: { ...(view.cold.queue === undefined ? {} : { queue: view.cold.queue }), ...cold } });
  };

  const show = (): Promise<void> => deps.mounts.mountEmpty(view.record.target);

  /** Whatever has happened to the pod's volume meanwhile (a reboot, say), the mount lies below it. */
  const belowVolume: MountDriver = {
    ...own,
    mount: async (spec, signal) => {
      await inTurn('volume', show);
      return own.mount(spec, signal);
    },
  };

  const start = (driver: MountDriver, target: string): ColdSession =>
    startColdSession(
      { ...deps, driver, onChange, log },
      { bucket: deps.bucket, prefix: `${view.record.prefix}cold/`, target, folder: paths.mount },
      () => ({ userId: view.record.userId, session: view.record.sandbox, token }),
    );

  const serve = async (): Promise<void> => {
    await Promise.race([shown.promise, released.promise]);
    if (view.record.released || stopping.signal.aborted) return;
    session = start(belowVolume, mountPoint(view.record.target));
    const serving = new AbortController();
    const marked = markNewUser(deps.store, view.record, log, serving.signal);
    await released.promise;
    if (!stopping.signal.aborted) await session.drain(deps.saveWaitMs);
    else await session.leave();
    // Storage that is away is not waited for once more.
    serving.abort(new Error('the cold volume is served no more'));
    await marked;
  };

  const detach = async (): Promise<void> => {
    await deps.mounts.unbind(mountPoint(view.record.target));
    await deps.mounts.unbind(view.record.target);
    set({ detached: true });
  };

  const sendRest = async (): Promise<void> => {
    while (await exists(paths.mount)) {
      // Right before the session is there for `stop` to end: one that is begun after that would go on by itself.
      if (stopping.signal.aborted) break;
      session = start(own, paths.outbox);
      await session.drain(SEND_MS);
    }
    await deps.mounts.unbind(paths.outbox);
  };

  const run = async (): Promise<void> => {
    if (!view.record.released) await serve();
    if (stopping.signal.aborted) return;
    await retried(detach);
    await retried(sendRest);
    if (stopping.signal.aborted) return;
    const [counted] = await Promise.all([count(), revoke()]);
    set({ ...counted, closed: true });
    const isTold = await reporter.settled();
    if (stopping.signal.aborted) return;
    if (!isTold) await retried(closeLate);
    if (stopping.signal.aborted) return;
    await retried(() => deps.journal.remove(view.record));
    log.info({}, 'cold storage is closed: the bucket has everything');
    onFinished();
  };

  /** Right before the writer is released, as nobody else may write the status then. Nothing where it cannot be counted. */
  const count = async (): Promise<Pick<ColdVolumeView, 'usage'>> => {
    try {
      const usage = await withDeadline(
        deps.clock,
        { what: 'counting cold storage', ms: COUNT_MS, signal: stopping.signal },
        (signal) => tierUsage({ ...deps, prefix: view.record.prefix }, 'cold', { most: MOST_COUNTED, signal }),
      );
      return { usage: { ...usage, countedAt: rfc3339(deps.clock.now()) } };
    } catch (error) {
      log.warn({ err: error }, 'cold storage is not counted this time');
      return {};
    }
  };

  /** While the writer is held: the next one's credentials are issued after that. What cannot be revoked, the next mount ends. */
  const revoke = async (): Promise<void> => {
    const { revoke: revokeIssued } = deps.provider;
    if (revokeIssued === undefined) return;
    const what = 'revoking the credentials of cold storage';
    try {
      await withDeadline(deps.clock, { what, ms: REVOKE_MS, signal: stopping.signal }, async (signal) => {
        // Whose node was taken for lost is not the writer any more, and the user's credentials are another's.
        if (await reporter.first) await revokeIssued(view.record.userId, signal);
      });
    } catch (error) {
      log.warn({ err: error }, 'the credentials of cold storage are not revoked');
    }
  };

  const closeLate = async (): Promise<void> => {
    try {
      await deps.kube.jsonPatch(workspaceRef(view.record), lateClosePatch(view, deps.node, deps.clock.now()), {
        subresource: 'status',
        fieldManager: FIELD_MANAGER_NODE,
        signal: stopping.signal,
      });
    } catch (error) {
      // Another volume is spoken of by now, or the workspace is gone.
      if (!isKubeError(error, 'Invalid', 'NotFound')) throw error;
    }
  };

  const retried = async (act: () => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        return await act();
      } catch (error) {
        log.warn({ err: error }, 'cold storage cannot be let go of yet; trying again');
        await deps.clock.sleep(1000, stopping.signal).catch(() => undefined);
      }
    }
  };

  reporter.update(view);
  const running = run();

  return {
    view: () => view,
    until: (condition, ms, signal) => change.until(() => condition(view), ms, signal),
    attach: (target) =>
      inTurn('volume', async () => {
        if (view.record.released) throw new CsiError('FailedPrecondition', 'this cold volume is over');
        if (view.record.target !== target) {
          throw new CsiError('InvalidArgument', `this cold volume belongs at ${view.record.target}`);
        }
        await show();
        shown.resolve();
      }),
    rename: ({ volumeId, target }) =>
      inTurn('volume', async () => {
        const record = { ...view.record, volumeId, target };
        await deps.journal.save(record);
        set({ record });
      }),
    known: (ms, signal) =>
      withDeadline(deps.clock, { what: 'reporting the cold volume', ms, signal }, () => reporter.first),
    renewToken: (next) => {
      token = next ?? token;
    },
    release: () =>
      inTurn('volume', async () => {
        if (view.record.released) return;
        const record = { ...view.record, released: true };
        await deps.journal.save(record);
        set({ record });
        released.resolve();
      }),
    stop: async () => {
      stopping.abort(new Error('the driver is stopping'));
      reporter.stop();
      released.resolve();
      await session?.leave();
      await running;
    },
  };
};

const exists = (folder: string): Promise<boolean> =>
  access(folder).then(
    () => true,
    () => false,
  );
