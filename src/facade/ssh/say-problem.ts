import type { ServerChannel } from 'ssh2';
import { errorMessage } from '../../base/errors.ts';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import { DaemonUnreachable } from '../daemon/connections.ts';
import { ProblemError } from '../problem.ts';

/** What `ssh` exits with where it is not the command that failed. */
const FAILED = 255;

/** Says to the person at the other end why there is no session, and ends the channel. */
export const sayProblem = (channel: ServerChannel, thrown: unknown): void => {
  channel.stderr.write(`${explain(thrown)}\r\n`);
  channel.exit(FAILED);
  channel.end();
};

const explain = (thrown: unknown): string => {
  if (thrown instanceof ProblemError && typeof thrown.problem.detail === 'string') return thrown.problem.detail;
  if (thrown instanceof DaemonError) return errorMessage(thrown);
  if (thrown instanceof DaemonUnreachable) return 'The sandbox does not answer';
  return 'The session could not be continued';
};
