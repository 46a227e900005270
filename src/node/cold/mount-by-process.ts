import type { Clock } from '../../base/clock.ts';
import { withDeadline } from '../../base/deadline.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Mounts } from '../mounts.ts';
import { endProcess, findMountProcess, type MountProcess } from './mount-process.ts';
import { clearTarget, lastWords } from './mount-target.ts';

/** In which a mount has to be there. */
const MOUNT_MS = 30_000;

export interface MountByProcessDeps {
  readonly clock: Clock;
  readonly mounts: Pick<Mounts, 'isMounted' | 'unbind'>;
}

/** One mount of a program, and what is particular to the program. */
export interface MountProgram {
  readonly name: string;
  readonly target: string;
  readonly files: { readonly log: string; readonly process: string };
  /** Whether what an earlier driver has left mounted still serves. */
  readonly serves: () => Promise<boolean>;
  readonly start: () => Promise<MountProcess>;
  /** Resolves when files can be used. Rejects where they never will be. */
  readonly untilMounted: (process: MountProcess, signal: AbortSignal) => Promise<void>;
}

/**
 * The process that mounts: the one of an earlier driver where it still serves, else a new one. Rejects after 30 s, with
 * the program's last words, and leaves neither process nor mount then.
 */
export const mountByProcess = async (
  { clock, mounts }: MountByProcessDeps,
  { target, files, serves, start, untilMounted }: MountProgram,
  signal: AbortSignal,
): Promise<MountProcess> => {
  const left = await findMountProcess(clock, files.process);
  if (left !== undefined) {
    if ((await mounts.isMounted(target)) && (await serves())) return left;
    await endProcess(clock, left);
  }
  await clearTarget(mounts, target);
  const process = await start();
  try {
    await withDeadline(clock, { what: 'mounting cold storage', ms: MOUNT_MS, signal }, (inner) =>
      untilMounted(process, inner),
    );
  } catch (error) {
    await endProcess(clock, process);
    await clearTarget(mounts, target);
    throw new Error(`${errorMessage(error)}${await lastWords(files.log)}`, { cause: error });
  }
  return process;
};

/**
 * Resolves with the reason why the mount is of no use any more: its process has ended, or what `untilBroken` answers.
 * Never at all once `signal` is aborted.
 */
export const untilMountEnds = (
  process: MountProcess,
  { name, files }: Pick<MountProgram, 'name' | 'files'>,
  untilBroken: () => Promise<string>,
  signal: AbortSignal,
): Promise<string> => {
  const never = new Promise<never>(() => undefined);
  const died = process.gone(signal).then(
    async () => `${name} has ended${await lastWords(files.log)}`,
    () => never,
  );
  return Promise.race([died, untilBroken().catch(() => never)]);
};
