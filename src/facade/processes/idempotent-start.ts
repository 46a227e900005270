import { createHash } from 'node:crypto';
import { callerName, type Caller } from '../caller.ts';
import { problemError, type ProblemError } from '../problem.ts';

const IDEMPOTENCY_KEY = /^[\x20-\x7e]{1,255}$/;

/**
 * The id of a process that is to be started once for each key of a caller; undefined without a key. The daemon starts an
 * id once, so the same request may come twice, to whichever replica. Throws 400 for what is no key.
 */
export const processIdForKey = (caller: Caller, sandbox: string, key: string): string | undefined => {
  if (key === '') return undefined;
  if (!IDEMPOTENCY_KEY.test(key)) {
    throw problemError('bad-request', 'Idempotency-Key takes 1 to 255 printable ASCII characters');
  }
  const hash = createHash('sha256')
    .update(JSON.stringify([callerName(caller), sandbox, key]))
    .digest('hex');
  return `key-${hash.slice(0, 40)}`;
};

export const keyReused = (what: 'command' | 'process'): ProblemError =>
  problemError('idempotency-key-reused', `This Idempotency-Key was used for another ${what}: send a new key with it`);

/** Whether the arguments that the daemon shows are those: of a long command line it keeps only the beginning. */
export const areShown = (shown: readonly string[], whole: readonly string[]): boolean => {
  const cut = shown.at(-1)?.endsWith('…') === true;
  if (!cut && shown.length !== whole.length) return false;
  return shown.every((text, index) => {
    const argument = whole[index];
    return text === argument || (text.endsWith('…') && argument?.startsWith(text.slice(0, -1)) === true);
  });
};

/** What the daemon makes of a command. */
export const shellArguments = (command: string): readonly string[] => ['bash', '-c', '--', command];
