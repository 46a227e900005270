import type { IncomingMessage, ServerResponse } from 'node:http';
import { DaemonError, statusOf, toProblem } from './protocol/problem.ts';

/** Nothing that is asked of the daemon in JSON is larger; files and input are streams. */
const MAX_JSON_BYTES = 4 << 20;

export const answerJson = (response: ServerResponse, status: number, value: unknown): void => {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
};

export const answerEmpty = (response: ServerResponse): void => {
  response.writeHead(204);
  response.end();
};

/** A refusal; after the answer has begun the connection ends, so that nobody takes a part for the whole. */
export const answerError = (response: ServerResponse, thrown: unknown): void => {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = toProblem(thrown);
  answerJson(response, statusOf(problem), problem);
};

/** The body as JSON; `{}` where there is none. Throws `invalid_argument` or `resource_exhausted`. */
export const readJson = async (request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_JSON_BYTES) throw new DaemonError('resource_exhausted', 'the body is too large');
    chunks.push(chunk);
  }
  if (size === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new DaemonError('invalid_argument', 'the body is no JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new DaemonError('invalid_argument', 'the body is no JSON object');
  }
  return value as Readonly<Record<string, unknown>>;
};
