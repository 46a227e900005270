import type Koa from 'koa';
import type { Caller } from './caller.ts';
import type { Log } from '../telemetry/log.ts';

/** What the middleware gives each request's handler. */
export interface RequestState {
  readonly requestId: string;
  /** Of the client itself, as far as the proxies before this server are trusted. */
  readonly clientIp: string;
  /** Where the SSH gateway is reached; null where there is none. */
  readonly sshPort: number | null;
  /** Who asks. Anonymous until authentication has said who. */
  readonly caller: Caller;
  /** Aborts when the connection's answer is out, or the connection is gone: nothing is waited for any more. */
  readonly over: AbortSignal;
  /** Aborts when the client has gone away (reason ClientGone) or the server must stop (a 503 ProblemError). */
  readonly signal: AbortSignal;
  /** Carries request_id. */
  readonly log: Log;
}

export type FacadeContext = Koa.ParameterizedContext<RequestState>;
export type FacadeMiddleware = Koa.Middleware<RequestState>;

/** Why a request's work ends without an answer. */
export class ClientGone extends Error {
  constructor(options?: ErrorOptions) {
    super('the client closed the connection before it was answered', options);
    this.name = 'ClientGone';
  }
}
