import { type Problem, problemType } from '../problem.ts';

/** How a WebSocket of this API ends (RFC 6455, section 7.4): a code for programs and a reason for people. */
export interface SocketClose {
  readonly code: number;
  readonly reason: string;
}

/** What was followed has ended, and all of it was sent. */
export const ENDED: SocketClose = { code: 1000, reason: 'ended' };
/** This server stops; another one takes the work up where the cursor says. */
export const RESTARTING: SocketClose = { code: 1012, reason: 'this server is shutting down: attach again' };
/** No sign of life from the client. */
export const SILENT_MS = 60_000;

const INTERNAL_ERROR = 1011;
/** 4404 is what would have been a 404: codes from 4000 on are for applications. */
const OWN_CODES = 4000;
const MAX_REASON_BYTES = 123;

/** The close for what an ordinary request would be answered with. */
export const closeForProblem = ({ type, status, title, detail }: Problem): SocketClose => {
  if (type === problemType('shutting-down')) return RESTARTING;
  const code = type === problemType('internal-error') ? INTERNAL_ERROR : OWN_CODES + status;
  return { code, reason: cut(typeof detail === 'string' ? detail : title) };
};

/** To so many bytes as a close frame holds, and never within a character. */
const cut = (text: string): string => {
  let kept = '';
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > MAX_REASON_BYTES) return kept;
    kept += character;
  }
  return kept;
};
