import type { DaemonRequest, Route } from '../route.ts';
import { toProblem } from '../protocol/problem.ts';
import { encodeEnvelope, END_OF_STREAM, readEnvelopes } from './envelope.ts';
import type { ConnectMessage } from './message.ts';
import { takesType } from './unary.ts';

/** A client-streaming method of the Connect protocol, in JSON: many messages come, one is the answer. */
export const clientStreamRoute = (
  path: string,
  answer: (messages: AsyncIterable<ConnectMessage>, request: DaemonRequest) => Promise<unknown>,
): Route => ({
  method: 'POST',
  path,
  handle: async (request, response) => {
    if (!takesType(request.raw, response, 'application/connect+json')) return;
    let body: Buffer;
    try {
      const message = await answer(readEnvelopes(request.raw), request);
      body = Buffer.concat([encodeEnvelope(0, message), encodeEnvelope(END_OF_STREAM, {})]);
    } catch (thrown) {
      const { code, message } = toProblem(thrown);
      body = encodeEnvelope(END_OF_STREAM, { error: { code, message } });
    }
    response.writeHead(200, { 'Content-Type': 'application/connect+json', 'Content-Length': body.length });
    response.end(body);
  },
});
