import { constants } from 'node:os';
import { z } from 'zod';
import type { ProcessEnd, ProcessInfo } from '../../sandboxd/protocol/process.ts';

export const EndRepresentation = z.object({
  exit_code: z.int().describe('124 after a timeout, 128 and the number of the signal that ended it.'),
  signal: z.string().nullable(),
  timed_out: z.boolean(),
  cwd: z.string().nullable().describe('Where a `command` ended; null for an `argv`, or where that is not known.'),
  ended_at: z.string(),
});
export type EndRepresentation = Readonly<z.infer<typeof EndRepresentation>>;

/** A process in a sandbox as the REST API shows it. */
export const ProcessRepresentation = z.object({
  process_id: z.string().describe('Its name in the paths below `processes/`.'),
  pid: z.int(),
  argv: z.array(z.string()),
  label: z.string().nullable(),
  cwd: z.string().describe('Where it started.'),
  pty: z.boolean(),
  started_at: z.string(),
  running: z.boolean(),
  output_bytes: z.int().describe('How much it has written so far.'),
  output_from: z.int().describe('The first byte of it that can still be read.'),
  end: EndRepresentation.nullable(),
});
export type ProcessRepresentation = Readonly<z.infer<typeof ProcessRepresentation>>;

export const representProcess = (info: ProcessInfo): ProcessRepresentation => ({
  process_id: info.id,
  pid: info.pid,
  argv: [...info.argv],
  label: info.label,
  cwd: info.cwd,
  pty: info.pty,
  started_at: info.startedAt,
  running: info.running,
  output_bytes: info.outputBytes,
  output_from: info.outputFrom,
  end: info.end === null ? null : representEnd(info.end),
});

export const representEnd = (end: ProcessEnd): EndRepresentation => ({
  exit_code: exitCodeOf(end),
  signal: end.signal,
  timed_out: end.timedOut,
  cwd: end.cwd,
  ended_at: end.endedAt,
});

/** What `timeout` exits with. */
const TIMED_OUT = 124;

/** One number for how it ended, as a shell gives it. */
export const exitCodeOf = ({ exitCode, signal, timedOut }: ProcessEnd): number => {
  if (timedOut) return TIMED_OUT;
  if (exitCode !== null) return exitCode;
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
};
