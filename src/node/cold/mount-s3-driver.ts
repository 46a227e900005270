import { access, constants, mkdir } from 'node:fs/promises';
import { withDeadline } from '../../base/deadline.ts';
import { mountByProcess, untilMountEnds, type MountByProcessDeps, type MountProgram } from './mount-by-process.ts';
import type { ColdMount, ColdMountSpec, MountDriver } from './mount-driver.ts';
import { mountEnvironment } from './mount-environment.ts';
import { endProcess, startMountProcess, type MountProcess } from './mount-process.ts';
import { mountS3Arguments, mountS3Files, type MountS3Settings } from './mount-s3-command.ts';
import { clearTarget, requireFuse } from './mount-target.ts';

export interface MountS3Deps extends MountS3Settings, MountByProcessDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
}

const POLL_MS = 50;
const WATCH_MS = 5000;
/** How long uploads that go on may take once it is unmounted: of files whose last writer was killed. */
const LAST_UPLOADS_MS = 30_000;
const NOTHING_UNSENT = { files: 0, bytes: 0, failing: 0 };

/**
 * Cold mounts by Mountpoint for Amazon S3, for large data that is mostly read. It sends a file while it is written, and
 * close(2) returns when S3 has it: there is no queue, and nothing unsent lies on the node's disk. What it refuses is in
 * docs/cold.md. The program is not a part of the product's image.
 */
export const makeMountS3Driver = (deps: MountS3Deps): MountDriver => ({
  name: 'mount-s3',
  unsent: () => Promise.resolve(0),
  mount: async (spec, signal) => {
    const program = programOf(deps, spec);
    return watched(deps, program, await mountByProcess(deps, program, signal));
  },
});

const programOf = (deps: MountS3Deps, spec: ColdMountSpec): MountProgram => {
  const files = mountS3Files(spec.folder);
  return {
    name: 'mount-s3',
    target: spec.target,
    files,
    serves: () => Promise.resolve(true),
    start: async () => {
      await requireProgram(deps.program);
      await requireFuse();
      await mkdir(files.cache, { recursive: true, mode: 0o700 });
      return startMountProcess(deps.clock, {
        program: deps.program,
        args: mountS3Arguments(spec, deps),
        env: mountEnvironment(spec, deps.env),
        log: files.log,
        record: files.process,
      });
    },
    untilMounted: async (process, signal) => {
      // It looks at the bucket before it mounts: what it may not read, it ends with.
      while (!(await deps.mounts.isMounted(spec.target))) {
        if (!(await process.running())) throw new Error('mount-s3 has ended before it has mounted');
        await deps.clock.sleep(POLL_MS, signal);
      }
    },
  };
};

const requireProgram = async (program: string): Promise<void> => {
  await access(program, constants.X_OK).catch((error: unknown) => {
    throw new Error(
      `mount-s3 is not installed at ${program} in the node driver's image: add it to the image, say where it is by ` +
        'MATRX_MOUNT_S3, or leave spec.cold.driver of the SandboxTemplate at rclone',
      { cause: error },
    );
  });
};

const watched = (deps: MountS3Deps, program: MountProgram, process: MountProcess): ColdMount => {
  const watching = new AbortController();
  const untilTaken = async (): Promise<string> => {
    while (await deps.mounts.isMounted(program.target)) await deps.clock.sleep(WATCH_MS, watching.signal);
    return 'the mount was taken away';
  };
  return {
    ended: untilMountEnds(process, program, untilTaken, watching.signal),
    queue: () => Promise.resolve(NOTHING_UNSENT),
    hurry: () => Promise.resolve(),
    unmount: async () => {
      watching.abort();
      await clearTarget(deps.mounts, program.target);
      // Without its mount it finishes what it is sending, and ends.
      await withDeadline(deps.clock, { what: 'the end of mount-s3', ms: LAST_UPLOADS_MS }, (signal) =>
        process.gone(signal),
      ).catch(() => endProcess(deps.clock, process));
    },
    leave: () => watching.abort(),
  };
};
