import { access } from 'node:fs/promises';
import { FIELD_MANAGER_NODE } from '../../api/names.ts';
import { withDeadline } from '../../base/deadline.ts';
import { isKubeError } from '../../kube/errors.ts';
import type { Log } from '../../telemetry/log.ts';
import { makeChangeSignal } from '../change-signal.ts';
import { CsiError } from '../csi-error.ts';
import type { Mounts } from '../mounts.ts';
import { makeStatusReporter, workspaceRef, type StatusReporterDeps } from '../status-reporter.ts';
import { makeTurns } from '../turns.ts';
import type { ColdJournal } from './cold-journal.ts';
import { startColdSession, type ColdDeps, type ColdSession, type ColdView } from './cold-mount.ts';
import { coldPaths, mountPoint, type ColdRecord } from './cold-record.ts';
import { coldKey, coldPatch, lateClosePatch, type ColdVolumeView } from './cold-status.ts';
import type { MountDriver } from './mount-driver.ts';

export interface ColdVolumeDeps extends StatusReporterDeps, Omit<ColdDeps, 'onChange'> {
  readonly mounts: Mounts;
  readonly journal: Pick<ColdJournal, 'save' | 'remove'>;
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
  /** A newer one for STS. */
  readonly renewToken: (token: string | undefined) => void;
  /** No process writes to it any more. Resolves when the journal says so. */
  readonly release: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** One look at the rest, when nobody waits for it any more; then the mount is made anew. */
const SEND_MS = 10 * 60_000;
/** How often the queue of a drain is written to the API. */
const REPORT_EVERY_MS = 2000;

/** `onFinished` is called when nothing of it is left on this node. */
export const startColdVolume = (
  deps: ColdVolumeDeps,
  initial: ColdRecord,
  firstToken: string | undefined,
  onFinished: () => void,
): ColdVolume => {
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
  let token = firstToken;
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
    ...deps.driver,
    mount: async (spec, signal) => {
      await inTurn('volume', show);
      return deps.driver.mount(spec, signal);
    },
  };

  const start = (driver: MountDriver, target: string): ColdSession =>
    startColdSession(
      { ...deps, driver, onChange, log },
      { bucket: deps.bucket, prefix: `${view.record.prefix}cold/`, target, folder: paths.mount },
      () => ({ userId: view.record.userId, session: view.record.sandbox, token }),
    );

  const serve = async (): Promise<void> => {
    session = start(belowVolume, mountPoint(view.record.target));
    await released.promise;
    if (!stopping.signal.aborted) await session.drain(deps.saveWaitMs);
    else await session.leave();
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
      session = start(deps.driver, paths.outbox);
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
    set({ closed: true });
    const isTold = await reporter.settled();
    if (stopping.signal.aborted) return;
    if (!isTold) await retried(closeLate);
    if (stopping.signal.aborted) return;
    await retried(() => deps.journal.remove(view.record));
    log.info({}, 'cold storage is closed: the bucket has everything');
    onFinished();
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
