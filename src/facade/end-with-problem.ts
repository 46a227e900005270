import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ProblemResponse } from './problem.ts';

/** Answers on a connection that has no response of Node's, with problem details, and ends it. */
export const endWithProblem = (socket: Duplex, { problem, headers = {} }: ProblemResponse, requestId: string): void => {
  const body = JSON.stringify(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
};
