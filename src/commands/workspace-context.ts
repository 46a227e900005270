import { workspacePrefix } from '../api/workspace-id.ts';
import { systemClock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import { systemRandom } from '../base/random.ts';
import { ConfigError } from '../config/load.ts';
import { loadWorkspaceConfig } from '../config/workspace.ts';
import type { Bucket } from '../workspace/fetch-verified.ts';
import { HomeError, type Progress } from '../workspace/home.ts';
import { StoreError } from '../workspace/object-store.ts';
import { makeS3Store } from '../workspace/s3/store.ts';
import type { WorkspaceOptions } from './workspace.ts';

/** What every `matrx workspace` command works with. */
export interface WorkspaceContext {
  readonly bucket: Bucket;
  /** For messages: `s3://bucket/users/ann/`. */
  readonly name: string;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** Runs `action` on the workspace that the options name and gives its answer, the exit code. */
export const withWorkspace = async (
  options: WorkspaceOptions,
  action: (context: WorkspaceContext) => Promise<number>,
): Promise<number> => {
  const prefix = prefixOf(options);
  const { bucket: name, region, endpoint } = loadWorkspaceConfig(options.bucket);
  const store = makeS3Store({
    bucket: name,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    clock: systemClock,
    random: systemRandom,
  });
  const stop = new AbortController();
  const onSignal = (): void => stop.abort(new Error('interrupted'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await action({ bucket: { store, prefix }, name: `${store.name}/${prefix}`, signal: stop.signal });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    store.close();
  }
};

const prefixOf = ({ user, workspace, prefix }: WorkspaceOptions): string => {
  if ((user === undefined) === (prefix === undefined)) throw new ConfigError('give --user, or --prefix, one of them');
  if (user !== undefined) return workspacePrefix(user, workspace);
  if (prefix === undefined || !prefix.endsWith('/')) throw new ConfigError(`--prefix ${prefix} does not end in /`);
  return prefix;
};

export const say = (text: string): void => void process.stdout.write(`${text}\n`);

export const sayJson = (value: unknown): void => say(JSON.stringify(value, undefined, 2));

/** The exit code 1, with the message on stderr where it is for people; anything else is a fault of the program. */
export const reportFailure = (thrown: unknown): number => {
  const forPeople = [ConfigError, HomeError, StoreError, RangeError].some((kind) => thrown instanceof kind);
  if (!forPeople && !isSystemError(thrown)) throw thrown;
  process.stderr.write(`matrx workspace: ${forPeople ? (thrown as Error).message : errorMessage(thrown)}\n`);
  return 1;
};

/** A file that may not be read, a disk that is full: what the operating system refused, however deep the cause. */
const isSystemError = (thrown: unknown): boolean =>
  thrown instanceof Error && ('syscall' in thrown || isSystemError(thrown.cause));

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
export const formatBytes = (bytes: number): string => {
  const unit = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${UNITS[unit]}`;
};

/** Milliseconds between two lines of progress. */
const PROGRESS_MS = 1_000;

/** Progress on stderr, only where a person watches. */
export const progressLine = (verb: string): ((progress: Progress) => void) => {
  let last = systemClock.monotonic();
  return ({ filesDone, filesTotal, bytesDone, bytesTotal }) => {
    if (!process.stderr.isTTY || systemClock.monotonic() - last < PROGRESS_MS) return;
    last = systemClock.monotonic();
    const bytes = `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`;
    process.stderr.write(`${verb} ${filesDone} of ${filesTotal}, ${bytes}\n`);
  };
};
