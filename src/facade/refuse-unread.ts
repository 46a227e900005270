import { maxHeaderSize } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Random } from '../base/random.ts';
import { endWithProblem } from './end-with-problem.ts';
import { makeProblem, type Problem } from './problem.ts';

/** Of Node's parser: `reason` says what it stumbled over. */
export type ParseError = NodeJS.ErrnoException & { readonly reason?: string };

/**
 * Answers what the HTTP parser has given up on, and ends its connection: no request has come of it. Where an answer has
 * begun on the connection, all that can be done is to end it.
 */
export const refuseUnread = (error: ParseError, socket: Duplex, answerHasBegun: boolean, random: Random): void => {
  if (error.code === 'ECONNRESET' || !socket.writable || answerHasBegun) {
    socket.destroy(error);
    return;
  }
  socket.on('error', () => socket.destroy());
  endWithProblem(socket, { problem: problemOf(error) }, random.hex(16));
  // Of a client that goes on sending, nothing more is read.
  socket.once('finish', () => socket.destroy());
};

const problemOf = ({ code, reason }: ParseError): Problem => {
  switch (code ?? '') {
    case 'HPE_HEADER_OVERFLOW':
      return makeProblem(
        'headers-too-large',
        `The URL and the headers together may have ${maxHeaderSize} bytes: shorten them, or send in the body what can be sent there`,
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return makeProblem('body-too-large', 'The extensions of the body’s chunks are too long: leave them out');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return makeProblem('request-timeout', 'The headers did not come in time: send them at once');
    default:
      return makeProblem('bad-request', `This is no HTTP request${reason === undefined ? '' : `: ${reason}`}`);
  }
};
