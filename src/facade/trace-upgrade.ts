import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Tracer } from '../base/tracer.ts';
import { endServerSpan, openServerSpan } from './middleware/trace-requests.ts';

/**
 * The server span of a connection that is taken over: it lasts as long as that does. `serve` resolves with the status
 * that was answered.
 */
export const traceUpgrade = async (
  tracer: Tracer,
  { method = 'GET', headers }: IncomingMessage,
  socket: Duplex,
  serve: () => Promise<number>,
): Promise<void> => {
  if (!tracer.isOn) return void (await serve());
  const { traceparent } = headers;
  const span = openServerSpan(tracer, method, typeof traceparent === 'string' ? traceparent : undefined);
  const status = await span.run(serve);
  if (socket.destroyed) endServerSpan(span, status);
  else socket.once('close', () => endServerSpan(span, status));
};
