import type { Send } from '../connect/server-stream.ts';
import type { ManagedProcess } from '../processes/managed-process.ts';
import type { ProcessEnd } from '../protocol/process.ts';

/** Of one event: a third more in base64. */
const PIECE_BYTES = 32 << 10;

/** Sends the output of a process as E2B's process events, from a byte on or from now on, up to its end. */
export const sendEvents = async (
  process: ManagedProcess,
  cursor: number | 'live',
  { signal, keepaliveMs }: { readonly signal: AbortSignal; readonly keepaliveMs: number },
  send: Send,
): Promise<void> => {
  const reader = process.output.read({ cursor, acknowledges: false });
  const event = (value: unknown): Promise<void> => send({ event: value });
  let target = Buffer.alloc(0);
  try {
    await event({ start: { pid: process.pid } });
    for (;;) {
      if (target.length < PIECE_BYTES && reader.available() > target.length) {
        target = Buffer.alloc(Math.min(PIECE_BYTES, reader.available() * 2));
      }
      const piece = reader.next(target);
      if (piece.kind === 'bytes') {
        await event({ data: { [piece.stream]: target.toString('base64', 0, piece.length) } });
      } else if (piece.kind === 'end') {
        await event({ end: endEvent(piece.end) });
        return;
      } else if (piece.kind === 'nothing' && !(await reader.wait(keepaliveMs, signal))) await event({ keepalive: {} });
    }
  } finally {
    reader.leave();
  }
};

/** In the words of Go's os.ProcessState, which clients may have learned to read. */
const endEvent = ({ exitCode, signal }: ProcessEnd): Readonly<Record<string, unknown>> => {
  const status = exitCode === null ? `signal: ${SIGNAL_WORDS[signal ?? ''] ?? signal}` : `exit status ${exitCode}`;
  return {
    exitCode: exitCode ?? -1,
    exited: exitCode !== null,
    status,
    ...(exitCode === 0 ? {} : { error: status }),
  };
};

const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGABRT: 'aborted',
  SIGALRM: 'alarm clock',
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGKILL: 'killed',
  SIGPIPE: 'broken pipe',
  SIGQUIT: 'quit',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};
