import { mkdir, rm } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadline.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Mounts } from '../mounts.ts';
import { replaceFile } from './credentials-file.ts';
import { MOUNT_MS, type ColdMount, type ColdMountSpec, type MountDriver } from './mount-driver.ts';
import { endProcess, findMountProcess, startMountProcess, type MountProcess } from './mount-process.ts';
import { clearTarget, lastWords, requireFuse } from './mount-target.ts';
import {
  rcloneArguments,
  rcloneConfig,
  rcloneEnvironment,
  rcloneFiles,
  type RcloneSettings,
} from './rclone-command.ts';
import { countUnsent } from './rclone-unsent.ts';
import { makeRcloneControl, type RcloneControl } from './rclone-control.ts';

export interface RcloneDeps extends RcloneSettings {
  readonly clock: Clock;
  readonly mounts: Pick<Mounts, 'isMounted' | 'unbind'>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const POLL_MS = 50;
const WATCH_MS = 5000;
/** Unanswered looks in a row, each of 5 s, until a process that runs counts as hung. */
const MOST_UNANSWERED = 3;

/**
 * Cold mounts by `rclone mount` with a full cache: what was written and not sent is on the node's disk.
 *
 * The program is built with functions of our own (rclone/changes), by which a file that was closed or synced is found again
 * whatever is killed then, and is seen whole by whoever opens it while it is uploaded; an rclone as it is released would
 * lose one that is killed in the moment after close(2), and show it empty after that. What a program has written to a
 * file that it neither synced nor closed may be lost with the process, as with any crash.
 */
export const makeRcloneDriver = (deps: RcloneDeps): MountDriver => ({
  name: 'rclone',
  unsent: (folder) => countUnsent(rcloneFiles(folder).cache),
  mount: async (spec, signal) => {
    const files = rcloneFiles(spec.folder);
    const control = makeRcloneControl(files.socket);
    const left = await findMountProcess(deps.clock, files.process);
    if (left !== undefined) {
      if ((await deps.mounts.isMounted(spec.target)) && (await control.alive()))
        return watched(deps, spec, left, control);
      await endProcess(deps.clock, left);
    }
    await clearTarget(deps.mounts, spec.target);
    await requireFuse();
    const process = await start(deps, spec);
    try {
      await withDeadline(deps.clock, { what: 'mounting cold storage', ms: MOUNT_MS, signal }, async (inner) => {
        await untilMounted(deps, spec, process, control, inner);
        // rclone mounts what it cannot read as well; and a folder that is known can be written to while S3 is away.
        await control.refresh(inner);
      });
    } catch (error) {
      await endProcess(deps.clock, process);
      await clearTarget(deps.mounts, spec.target);
      throw new Error(`${errorMessage(error)}${await lastWords(files.log)}`, { cause: error });
    }
    return watched(deps, spec, process, control);
  },
});

const start = async (deps: RcloneDeps, spec: ColdMountSpec): Promise<MountProcess> => {
  const files = rcloneFiles(spec.folder);
  await mkdir(files.cache, { recursive: true, mode: 0o700 });
  // A socket that a killed process has left would be in the way.
  await rm(files.socket, { force: true });
  await replaceFile(files.config, rcloneConfig(deps));
  return startMountProcess(deps.clock, {
    program: deps.program,
    args: rcloneArguments(spec, deps),
    env: rcloneEnvironment(spec, deps.env),
    log: files.log,
    record: files.process,
  });
};

const untilMounted = async (
  deps: RcloneDeps,
  spec: ColdMountSpec,
  process: MountProcess,
  control: RcloneControl,
  signal: AbortSignal,
): Promise<void> => {
  for (;;) {
    // Never a look into the folder itself: on a mount that nobody serves it would hang.
    if ((await deps.mounts.isMounted(spec.target)) && (await control.alive())) return;
    if (!(await process.running())) throw new Error('rclone has ended before it has mounted');
    await deps.clock.sleep(POLL_MS, signal);
  }
};

const watched = (deps: RcloneDeps, spec: ColdMountSpec, process: MountProcess, control: RcloneControl): ColdMount => {
  const watching = new AbortController();
  return {
    ended: watch(deps, spec, process, control, watching.signal),
    queue: control.queue,
    hurry: control.hurry,
    unmount: async () => {
      watching.abort();
      await endProcess(deps.clock, process);
      await clearTarget(deps.mounts, spec.target);
    },
    leave: () => watching.abort(),
  };
};

/** Resolves with the reason; never at all once it is left. */
const watch = async (
  deps: RcloneDeps,
  spec: ColdMountSpec,
  process: MountProcess,
  control: RcloneControl,
  signal: AbortSignal,
): Promise<string> => {
  const left = new Promise<never>(() => undefined);
  const died = process.gone(signal).then(
    async () => `rclone has ended${await lastWords(rcloneFiles(spec.folder).log)}`,
    () => left,
  );
  const hung = (async (): Promise<string> => {
    for (let unanswered = 0; unanswered < MOST_UNANSWERED;) {
      await deps.clock.sleep(WATCH_MS, signal);
      if (!(await deps.mounts.isMounted(spec.target))) return 'the mount was taken away';
      unanswered = (await control.alive()) ? 0 : unanswered + 1;
    }
    return 'rclone does not answer any more';
  })().catch(() => left);
  return Promise.race([died, hung]);
};
