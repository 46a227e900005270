import type { SshAddress } from '../dependencies.ts';
import { problemError } from '../problem.ts';

/** What may stand in a command line: a name, an IPv4 address, or an IPv6 address in brackets; a port behind it. */
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?))(?::\d+)?$/;
const SSH_PORT = 22;

export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  /** As ssh writes it to known_hosts. */
  readonly knownHosts: string;
}

/**
 * Where the client that reached this API under that Host header finds the gateway. Throws 400 where there is none, and
 * where that header names no host.
 */
export const requireGateway = (gateway: SshAddress | undefined, hostHeader: string): GatewayAddress => {
  if (gateway === undefined)
    throw problemError('bad-request', 'This server has no SSH gateway (MATRX_SSH is disabled)');
  const [, address, name] = HOST.exec(hostHeader) ?? [];
  const host = gateway.host ?? address ?? name;
  if (host === undefined) {
    throw problemError('bad-request', `The Host header names no host: ${JSON.stringify(hostHeader)}`);
  }
  const { port, hostKey } = gateway;
  return { host, port, knownHosts: `${port === SSH_PORT ? host : `[${host}]:${port}`} ${hostKey}` };
};
