import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { findDaemon } from '../daemon/find-daemon.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { keyInHeader } from '../key-header.ts';
import type { RequestState } from '../request-state.ts';
import { type Forwarding, requestHeaders, withoutTicket } from './forwarded-headers.ts';
import { portProblem } from './port-problem.ts';
import type { PortOfSandbox } from './preview-host.ts';

export type PortDependencies = Pick<
  FacadeDependencies,
  'cache' | 'kube' | 'settings' | 'activity' | 'daemons' | 'authenticator'
>;

/** One request that is handed on to a port. */
export interface PortRequest extends PortOfSandbox {
  readonly request: IncomingMessage;
  /** With the query, from the port's root. */
  readonly path: string;
  /** Where the port's root is on this server; '' where it has a host of its own. */
  readonly prefix: string;
  readonly upgrade: boolean;
}

/** The request to the port, to be ended by the caller, over a connection of its own through the sandbox's daemon. */
export const openPort = async (
  dependencies: PortDependencies,
  asked: PortRequest,
  state: Pick<RequestState, 'caller' | 'clientIp' | 'signal' | 'over'>,
): Promise<ClientRequest> => {
  const { request, path } = asked;
  const tunnel = await openTunnel(dependencies, asked, state);
  if (state.signal.aborted) tunnel.destroy();
  state.signal.throwIfAborted();
  const sent = httpRequest({
    createConnection: () => tunnel,
    method: request.method ?? 'GET',
    path: withoutTicket(path),
    headers: requestHeaders(request, forwardingOf(dependencies, asked, state.clientIp)) as Record<
      string,
      string | string[]
    >,
  });
  const onAbort = (): void => void sent.destroy();
  state.signal.addEventListener('abort', onAbort, { once: true });
  sent.once('close', () => state.signal.removeEventListener('abort', onAbort));
  return sent;
};

const openTunnel = async (
  dependencies: PortDependencies,
  { sandbox, port }: PortOfSandbox,
  state: Pick<RequestState, 'caller' | 'signal' | 'over'>,
): Promise<Duplex> => {
  const target = await findDaemon(dependencies, sandbox, state);
  try {
    return await dependencies.daemons.tunnel(target, { path: `/matrx/ports/${port}`, signal: state.signal });
  } catch (error) {
    state.signal.throwIfAborted();
    throw portProblem(error, sandbox);
  }
};

const forwardingOf = (
  { settings, authenticator }: PortDependencies,
  { request, port, prefix, upgrade }: PortRequest,
  clientIp: string,
): Forwarding => ({
  port,
  clientIp,
  prefix,
  upgrade,
  apiKeyHeader: settings.apiKeyHeader,
  // On a host of its own, Authorization is the port's; the key comes in its own header there.
  bearerIsOurs:
    // An empty header is none: then it was the bearer that let the caller in.
    prefix !== '' && authenticator !== undefined && keyInHeader(request, settings.apiKeyHeader) === '',
});
