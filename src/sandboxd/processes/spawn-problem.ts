import { errorMessage } from '../../base/errors.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { Program } from './child.ts';

/** Why a program could not be started, as an answer. */
export const spawnProblem = (thrown: unknown, { argv: [file = ''] }: Pick<Program, 'argv'>): DaemonError => {
  if (thrown instanceof DaemonError) return thrown;
  switch ((thrown as { readonly code?: unknown }).code) {
    case 'ENOENT':
      return new DaemonError('invalid_argument', `there is no program ${file}`, thrown);
    case 'EACCES':
      return new DaemonError('invalid_argument', `${file} may not be executed`, thrown);
    case 'E2BIG':
      return new DaemonError(
        'invalid_argument',
        'the command, or its environment, is longer than Linux allows',
        thrown,
      );
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return new DaemonError('resource_exhausted', 'the sandbox has no room for another process', thrown);
    default:
      return new DaemonError('invalid_argument', `${file} cannot be executed: ${errorMessage(thrown)}`, thrown);
  }
};
