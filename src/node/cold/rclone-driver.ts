import { access, mkdir, readFile, rm } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadline.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Mounts } from '../mounts.ts';
import { replaceFile } from './credentials-file.ts';
import type { ColdMount, ColdMountSpec, MountDriver } from './mount-driver.ts';
import { findMountProcess, startMountProcess, type MountProcess } from './mount-process.ts';
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

export const MOUNT_MS = 30_000;
const POLL_MS = 50;
/** How long rclone gets to end by itself: it closes files, but waits for no upload. */
const TERM_MS = 5000;
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
      await end(deps, left);
    }
    await clear(deps, spec);
    await access('/dev/fuse').catch((error: unknown) => {
      throw new Error('this node has no /dev/fuse: load its kernel module `fuse`', { cause: error });
    });
    const process = await start(deps, spec);
    try {
      await withDeadline(deps.clock, { what: 'mounting cold storage', ms: MOUNT_MS, signal }, async (inner) => {
        await untilMounted(deps, spec, process, control, inner);
        // rclone mounts what it cannot read as well; and a folder that is known can be written to while S3 is away.
        await control.refresh(inner);
      });
    } catch (error) {
      await end(deps, process);
      await clear(deps, spec);
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
      await end(deps, process);
      await clear(deps, spec);
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

const end = async (deps: RcloneDeps, process: MountProcess): Promise<void> => {
  await process.kill('SIGTERM');
  const gone = (): Promise<void> =>
    withDeadline(deps.clock, { what: 'the end of rclone', ms: TERM_MS }, (signal) => process.gone(signal));
  await gone().catch(async () => {
    await process.kill('SIGKILL');
    await gone();
  });
};

/** Leaves an empty folder that only root can write to, so that nothing is written beside the mount. */
const clear = async (deps: RcloneDeps, spec: ColdMountSpec): Promise<void> => {
  await deps.mounts.unbind(spec.target);
  await mkdir(spec.target, { recursive: true, mode: 0o755 });
};

const lastWords = async (log: string): Promise<string> => {
  const text = await readFile(log, 'utf8').catch(() => '');
  const line = text.trimEnd().split('\n').at(-1)?.trim() ?? '';
  return line === '' ? '' : `: ${line.slice(0, 500)}`;
};
