import { DeadlineError, withDeadline } from '../base/deadline.ts';
import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Tracer } from '../base/tracer.ts';
import { KubeError } from './errors.ts';
import { statusError } from './status-error.ts';
import { tracedCall } from './traced-call.ts';
import type { HttpAnswer, HttpRequest, Transport } from './transport.ts';

/** One request, as it ended. `code` is the HTTP status, or 0 where none came. */
export interface RequestReport {
  readonly method: string;
  readonly host: string;
  readonly code: number;
  readonly durationMs: number;
}

export interface CallerOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** Waits for its turn before each request; see src/base/token-bucket.ts. */
  readonly admit: ((signal: AbortSignal) => Promise<void>) | undefined;
  readonly onRequest: ((report: RequestReport) => void) | undefined;
  readonly tracer: Tracer;
}

/** What a verb sends: a request without the parts that the caller adds. */
export type Call = Omit<HttpRequest, 'signal' | 'pool'>;

export interface Caller {
  /** The whole answer, parsed. Throws a KubeError. */
  readonly call: <T>(call: Call, signal: AbortSignal | undefined) => Promise<T>;
  /**
   * An answer whose body the caller reads, on the watch connections. `signal` ends it. Throws a KubeError. `unhurried`:
   * the server may begin to answer as late as it likes.
   */
  readonly open: (call: Call, signal: AbortSignal, options?: { readonly unhurried?: boolean }) => Promise<HttpAnswer>;
}

/** Turns requests into answers or KubeErrors: deadline, admission, report, span, error mapping. */
export const makeCaller = ({ transport, clock, deadlineMs, admit, onRequest, tracer }: CallerOptions): Caller => {
  const send = async (request: HttpRequest): Promise<HttpAnswer> => {
    await admit?.(request.signal);
    const start = clock.monotonic();
    let code = 0;
    try {
      const answer = await transport.send(request);
      code = answer.statusCode;
      return answer;
    } finally {
      onRequest?.({ method: request.method, host: transport.host, code, durationMs: clock.monotonic() - start });
    }
  };

  const refuse = async (what: string, answer: HttpAnswer): Promise<never> => {
    const retryAfter = answer.headers['retry-after'];
    throw statusError({
      what,
      code: answer.statusCode,
      body: await answer.body.text(),
      retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter,
      now: clock.now(),
    });
  };

  return {
    call: async <T>(call: Call, signal: AbortSignal | undefined): Promise<T> => {
      const what = `${call.method} ${call.path}`;
      return tracedCall(tracer, call, transport.host, async (onStatus) => {
        try {
          return await withDeadline(clock, { what, ms: deadlineMs, signal }, async (inner) => {
            const answer = await send({ ...call, pool: 'calls', signal: inner });
            onStatus(answer.statusCode);
            if (answer.statusCode >= 300) return refuse(what, answer);
            return JSON.parse(await answer.body.text()) as T;
          });
        } catch (error) {
          throw toKubeError(what, error, signal);
        }
      });
    },
    open: async (call, signal, { unhurried = false } = {}) => {
      const what = `${call.method} ${call.path}`;
      const begin = async (): Promise<HttpAnswer> => {
        const answer = await send({ ...call, pool: 'watches', signal });
        return answer.statusCode >= 300 ? refuse(what, answer) : answer;
      };
      try {
        if (unhurried) return await begin();
        // The deadline covers the headers only: the signal it hands out must not be the body's.
        return await withDeadline(clock, { what, ms: deadlineMs, signal }, begin);
      } catch (error) {
        throw toKubeError(what, error, signal);
      }
    },
  };
};

/** Every failure that is no answer of the server's: no complete answer came. */
export const toKubeError = (what: string, error: unknown, signal: AbortSignal | undefined): KubeError => {
  if (error instanceof KubeError) return error;
  if (signal?.aborted === true) return new KubeError('Aborted', `${what} was aborted`, { cause: error });
  if (error instanceof DeadlineError) return new KubeError('Timeout', error.message, { cause: error });
  if (error instanceof SyntaxError) {
    return new KubeError('ServerError', `${what} was answered with something that is no JSON`, { cause: error });
  }
  return new KubeError('Unreachable', `${what}: ${errorMessage(error)}`, { cause: error });
};
