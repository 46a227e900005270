import type { IncomingMessage } from 'node:http';
import { userInfo } from 'node:os';
import { DaemonError } from '../protocol/problem.ts';

/** What the E2B SDKs call the user of a sandbox, and what that is here. */
const ALIASES = ['user', 'agent'];

/**
 * Throws where a request is meant for another user than the one that the daemon runs as: there is no other in a
 * sandbox, and nobody should think that something was done as root. `name` is the `username` of a query; without one
 * the name in the Basic credentials counts, which is where the SDKs put it otherwise.
 */
export const requireUser = ({ headers }: IncomingMessage, name?: string | null): void => {
  const asked = name ?? basicName(headers.authorization) ?? '';
  if (asked === '' || ALIASES.includes(asked) || asked === ownName()) return;
  throw new DaemonError('unauthenticated', `there is no user ${asked} in a sandbox: leave the user out, or say "user"`);
};

const basicName = (authorization = ''): string | undefined => {
  const encoded = /^basic +(\S+)\s*$/i.exec(authorization)?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8').split(':')[0];
};

const ownName = (): string | undefined => {
  try {
    return userInfo().username;
  } catch {
    // A uid without a line in /etc/passwd.
    return undefined;
  }
};
