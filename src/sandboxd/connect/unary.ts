import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerJson, readJson } from '../answer.ts';
import type { DaemonRequest, Route } from '../route.ts';
import type { ConnectMessage } from './message.ts';

/**
 * A unary method of the Connect protocol (https://connectrpc.com/docs/protocol#unary-request), in JSON alone, which is
 * what the E2B SDKs speak. `path` is `/package.Service/Method`. A refusal is what the daemon answers everywhere.
 */
export const unaryRoute = (
  path: string,
  answer: (message: ConnectMessage, request: DaemonRequest) => unknown,
): Route => ({
  method: 'POST',
  path,
  handle: async (request, response) => {
    if (!takesType(request.raw, response, 'application/json')) return;
    answerJson(response, 200, await answer(await readJson(request.raw), request));
  },
});

/** Answers 415, as the protocol asks, where the body is of another type. */
export const takesType = (request: IncomingMessage, response: ServerResponse, type: string): boolean => {
  const [given = ''] = (request.headers['content-type'] ?? '').split(';');
  if (given.trim().toLowerCase() === type) return true;
  response.writeHead(415, { 'Accept-Post': type, 'Content-Length': 0 });
  response.end();
  return false;
};
