import { type Idempotency, keyReused } from '../idempotency.ts';
import type { ProblemError } from '../problem.ts';

/**
 * The id of a process that is to be started once for each key of a caller; undefined without a key. The daemon starts an
 * id once, so the same request may come twice, to whichever replica.
 */
export const processIdFor = (idempotency: Idempotency | undefined): string | undefined =>
  idempotency === undefined ? undefined : `key-${idempotency.key.slice(0, 40)}`;

export const startedForAnother = (what: 'command' | 'process'): ProblemError =>
  keyReused(`This Idempotency-Key was used for another ${what}`);

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
