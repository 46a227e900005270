import { mkdir, rm } from 'node:fs/promises';
import { replaceFile } from './credentials-file.ts';
import { mountByProcess, untilMountEnds, type MountByProcessDeps, type MountProgram } from './mount-by-process.ts';
import type { ColdMount, ColdMountSpec, MountDriver } from './mount-driver.ts';
import { endProcess, startMountProcess, type MountProcess } from './mount-process.ts';
import { clearTarget, requireFuse } from './mount-target.ts';
import {
  rcloneArguments,
  rcloneConfig,
  rcloneEnvironment,
  rcloneFiles,
  type RcloneSettings,
} from './rclone-command.ts';
import { countUnsent } from './rclone-unsent.ts';
import { makeRcloneControl, type RcloneControl } from './rclone-control.ts';

export interface RcloneDeps extends RcloneSettings, MountByProcessDeps {
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
    const control = makeRcloneControl(rcloneFiles(spec.folder).socket);
    const program = programOf(deps, spec, control);
    return watched(deps, program, await mountByProcess(deps, program, signal), control);
  },
});

const programOf = (deps: RcloneDeps, spec: ColdMountSpec, control: RcloneControl): MountProgram => ({
  name: 'rclone',
  target: spec.target,
  files: rcloneFiles(spec.folder),
  serves: () => control.alive(),
  start: async () => {
    await requireFuse();
    return start(deps, spec);
  },
  untilMounted: async (process, signal) => {
    await untilServed(deps, spec, process, control, signal);
    // rclone mounts what it cannot read as well; and a folder that is known can be written to while S3 is away.
    await control.refresh(signal);
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

const untilServed = async (
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

const watched = (deps: RcloneDeps, program: MountProgram, process: MountProcess, control: RcloneControl): ColdMount => {
  const watching = new AbortController();
  const untilBroken = async (): Promise<string> => {
    for (let unanswered = 0; unanswered < MOST_UNANSWERED;) {
      await deps.clock.sleep(WATCH_MS, watching.signal);
      if (!(await deps.mounts.isMounted(program.target))) return 'the mount was taken away';
      unanswered = (await control.alive()) ? 0 : unanswered + 1;
    }
    return 'rclone does not answer any more';
  };
  return {
    ended: untilMountEnds(process, program, untilBroken, watching.signal),
    queue: control.queue,
    hurry: control.hurry,
    unmount: async () => {
      watching.abort();
      await endProcess(deps.clock, process);
      await clearTarget(deps.mounts, program.target);
    },
    leave: () => watching.abort(),
  };
};
