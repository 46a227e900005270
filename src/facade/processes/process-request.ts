import { z } from 'zod';
import type { ProcessInfo, StartProcess } from '../../sandboxd/protocol/process.ts';
import { problemError } from '../problem.ts';
import { CURSOR_PATTERN } from './cursor.ts';
import { areShown, shellArguments } from './idempotent-start.ts';

const withoutNul = /^[^\0]*$/;

export const Command = z
  .string()
  .regex(/\S/, 'command must not be blank')
  .regex(withoutNul, 'command must not hold a NUL character')
  .describe('A bash command, run as it stands.');

export const WorkingDirectory = z
  .string()
  .max(4096)
  .regex(/^\//, 'cwd must be an absolute path')
  .regex(withoutNul, 'cwd must not hold a NUL character');

/** One of several clients of a sandbox that each have a working directory of their own. */
export const Session = z
  .string()
  .regex(/^[\w.-]{1,64}$/, 'session takes 1 to 64 letters, digits, dots, dashes and underscores')
  .default('default')
  .describe('Whose working directory: a command starts where the last one of the same session ended.');

/** Columns or rows. */
export const MAX_TERMINAL_SIZE = 1000;

export const TerminalSize = z.strictObject({
  cols: z.int().min(1).max(MAX_TERMINAL_SIZE),
  rows: z.int().min(1).max(MAX_TERMINAL_SIZE),
});

/** Bytes; as many digits as the query takes. */
export const MAX_OFFSET = 999_999_999_999;

/** The parameter of a path. */
export const PROCESS_ID = {
  pid: { description: "The process's id: `process_id`.", schema: z.string().regex(/^[a-z0-9-]{1,64}$/) },
};

export const SIGNALS = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGKILL',
  'SIGUSR1',
  'SIGUSR2',
  'SIGTERM',
  'SIGCONT',
  'SIGSTOP',
  'SIGTSTP',
  'SIGWINCH',
] as const;

export const CursorText = z
  .string()
  .regex(CURSOR_PATTERN, 'cursor must be a number of bytes, or the id of an event')
  .default('0')
  .describe('Where to go on: the id of the last event that was read, or how many bytes were.');

/** A day; a process without a timeout lives as long as its sandbox. */
const MAX_TIMEOUT_SECONDS = 86_400;

export const StartProcessRequest = z
  .strictObject({
    command: Command.optional(),
    argv: z
      .array(z.string().regex(withoutNul, 'an argument must not hold a NUL character'))
      .min(1)
      .max(1000)
      .optional()
      .describe('A program and its arguments, run without a shell; in place of `command`.'),
    cwd: WorkingDirectory.nullish(),
    env: z
      .record(
        z.string().regex(/^[A-Za-z_]\w*$/, 'is no name of an environment variable'),
        z.string().regex(withoutNul, 'must not hold a NUL character'),
      )
      .optional()
      .describe("On top of the sandbox's own environment."),
    session: Session,
    stdin: z.boolean().default(false).describe('Whether anything will be sent to its standard input.'),
    label: z.string().max(256).optional().describe('For people.'),
    timeout: z.int().min(1).max(MAX_TIMEOUT_SECONDS).optional().describe('Seconds after which it is ended.'),
    pty: TerminalSize.optional().describe('Gives it a terminal of that size.'),
  })
  .refine(({ command, argv }) => (command === undefined) !== (argv === undefined), {
    message: 'give either command or argv',
    path: ['command'],
  });

export const ProcessRequestDescription =
  'Give either `command` or `argv`. With an Idempotency-Key, the same request may be sent again: the process is started ' +
  'once. Its output is kept up to a limit; what nobody has read by then is dropped, oldest first.';

export const startProcess = (
  request: z.infer<typeof StartProcessRequest>,
  id: string,
): StartProcess & { readonly id: string } => {
  const { command, argv, cwd, env, session, stdin, label, timeout, pty } = request;
  return {
    id,
    ...(command === undefined ? {} : { shell: command }),
    ...(argv === undefined ? {} : { argv }),
    ...(cwd === undefined || cwd === null ? {} : { cwd }),
    ...(env === undefined ? {} : { env }),
    session,
    stdin: stdin || pty !== undefined,
    ...(label === undefined ? {} : { label }),
    ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
    ...(pty === undefined ? {} : { pty }),
    keep: 'background',
  };
};

/** Whether a process is what was asked for, as far as can be seen: the daemon answers with the one it has of that id. */
export const isAnswerTo = (
  { argv, label, pty }: ProcessInfo,
  asked: Pick<z.infer<typeof StartProcessRequest>, 'command' | 'argv' | 'label' | 'pty'>,
): boolean => {
  const expected = asked.argv ?? shellArguments(asked.command ?? '');
  return areShown(argv, expected) && label === (asked.label ?? null) && pty === (asked.pty !== undefined);
};

export const requireLength = (command: string | undefined, maxCommandLength: number): void => {
  if (command === undefined || command.length <= maxCommandLength) return;
  throw problemError(
    'bad-request',
    `Command too long: it has ${command.length} characters, at most ${maxCommandLength} are accepted`,
  );
};
