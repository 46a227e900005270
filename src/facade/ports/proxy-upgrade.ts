import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { joinStreams } from '../../base/join-streams.ts';
import type { FacadeDependencies } from '../dependencies.ts';
import { problemError } from '../problem.ts';
import type { RequestState } from '../request-state.ts';
import { requireOwnOrigin } from '../sockets/origin.ts';
import { endWithRequest } from './end-with-request.ts';
import { type HeaderLines, responseHeaders } from './forwarded-headers.ts';
import { openPort, type PortDependencies, type PortRequest } from './open-port.ts';
import { portFailed } from './port-problem.ts';

export interface UpgradeToPort extends Omit<PortRequest, 'upgrade'> {
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly state: RequestState;
}

/**
 * Hands a WebSocket on to a port. Bytes pass only once the port has agreed to upgrade: anything else it says is read as
 * the HTTP answer that it is, and ends the connection. Otherwise who shares the connection (a proxy that keeps it) would
 * speak to the sandbox from then on.
 */
export const proxyUpgrade = async (
  dependencies: PortDependencies & Pick<FacadeDependencies, 'clock' | 'shutdown'>,
  asked: UpgradeToPort,
): Promise<void> => {
  const { request, socket, head, state, sandbox, port } = asked;
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    throw problemError('bad-request', 'Only upgrades to a WebSocket are handed on to ports');
  }
  requireOwnOrigin(request, dependencies.settings.allowedOrigins);
  const sent = await openPort(dependencies, { ...asked, upgrade: true }, state);
  await new Promise<void>((resolve, reject) => {
    sent.once('upgrade', (answer, target, rest) => {
      socket.write(
        answerHead(answer, { ...responseHeaders(answer, asked), connection: 'Upgrade', upgrade: 'websocket' }),
      );
      if (rest.length > 0) socket.write(rest);
      if (head.length > 0) target.write(head);
      target.on('error', () => target.destroy());
      joinStreams(socket, target);
      endWithRequest(dependencies, state.signal, { client: socket, port: target });
      resolve();
    });
    sent.once('response', (answer) => {
      socket.write(answerHead(answer, { ...responseHeaders(answer, asked), connection: 'close' }));
      answer.pipe(socket);
      answer.once('error', () => socket.destroy());
      resolve();
    });
    sent.on('error', (error) => reject(portFailed(sandbox, port, error)));
    sent.end();
  });
};

const answerHead = ({ statusCode = 502 }: IncomingMessage, headers: HeaderLines): string => {
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).map((one) => `${name}: ${one}`),
  );
  return `HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n`;
};
