import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DaemonError, toProblem } from '../protocol/problem.ts';
import type { DaemonRequest, Route } from '../route.ts';
import { encodeEnvelope, END_OF_STREAM, readEnvelope } from './envelope.ts';
import type { ConnectMessage } from './message.ts';
import { takesType } from './unary.ts';

/** Sends one message; resolves when the client takes more. Rejects when it has gone or its time is over. */
export type Send = (message: unknown) => Promise<void>;

/** `signal` of the request aborts also at the end of the time that the client gives (Connect-Timeout-Ms). */
export type StreamHandler = (message: ConnectMessage, request: DaemonRequest, send: Send) => Promise<void>;

/**
 * A server-streaming method of the Connect protocol, in JSON. The answer is 200 whatever happens; how it ended stands
 * in the last envelope: https://connectrpc.com/docs/protocol#streaming-response
 */
export const serverStreamRoute = (path: string, run: StreamHandler): Route => ({
  method: 'POST',
  path,
  handle: async (request, response) => {
    if (!takesType(request.raw, response, 'application/connect+json')) return;
    response.writeHead(200, { 'Content-Type': 'application/connect+json' });
    const deadline = new AbortController();
    const timer = startTimer(request.raw, deadline);
    const signal = AbortSignal.any([request.signal, deadline.signal]);
    try {
      await run(await readEnvelope(request.raw), { ...request, signal }, (message) => write(response, message, signal));
      response.end(encodeEnvelope(END_OF_STREAM, {}));
    } catch (thrown) {
      const { code, message } = toProblem(deadline.signal.aborted ? deadline.signal.reason : thrown);
      response.end(encodeEnvelope(END_OF_STREAM, { error: { code, message } }));
    } finally {
      clearTimeout(timer);
    }
  },
});

const write = async (response: ServerResponse, message: unknown, signal: AbortSignal): Promise<void> => {
  signal.throwIfAborted();
  if (!response.write(encodeEnvelope(0, message))) await once(response, 'drain', { signal });
};

const MAX_TIMER_MS = 2 ** 31 - 1;

const startTimer = ({ headers }: IncomingMessage, deadline: AbortController): NodeJS.Timeout | undefined => {
  const ms = Number(headers['connect-timeout-ms'] ?? 0);
  if (!(ms > 0) || ms > MAX_TIMER_MS) return undefined;
  return setTimeout(() => deadline.abort(new DaemonError('deadline_exceeded', `${ms} ms are over`)), ms);
};

/** What a client that sends no interval is taken to want. */
const DEFAULT_KEEPALIVE_SECONDS = 90;

/** How often, in milliseconds, a client wants to hear that the stream still lives (Keepalive-Ping-Interval, seconds). */
export const keepaliveMs = ({ headers }: IncomingMessage): number => {
  const seconds = Number(headers['keepalive-ping-interval'] ?? DEFAULT_KEEPALIVE_SECONDS);
  return (seconds >= 1 && seconds <= 3600 ? seconds : DEFAULT_KEEPALIVE_SECONDS) * 1000;
};
