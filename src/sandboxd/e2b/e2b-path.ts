import { type BytePath, resolvePath } from '../files/byte-path.ts';
import { DaemonError } from '../protocol/problem.ts';

/** A path as the E2B SDKs give it: absolute, relative to the home, or `~/…`. */
export const resolveE2bPath = (home: BytePath, given: BytePath): BytePath => {
  if (!given.startsWith('~')) return resolvePath(home, given);
  if (given === '~') return home;
  if (given.startsWith('~/')) return resolvePath(home, `./${given.slice(2)}` as BytePath);
  throw new DaemonError('invalid_argument', 'a path cannot begin with the home of another user');
};

/** E2B's daemon has one code for all that cannot be done with what is there. */
export const e2bError = (error: unknown): unknown =>
  error instanceof DaemonError && error.code === 'failed_precondition'
    ? new DaemonError('invalid_argument', error.message, error, error.reason)
    : error;

export const asE2b = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw e2bError(error);
  }
};
