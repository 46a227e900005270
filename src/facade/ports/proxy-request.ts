import type { ClientRequest, IncomingMessage } from 'node:http';
import { feed } from '../daemon/feed.ts';
import { relayAnswer } from '../relay-answer.ts';
import type { FacadeContext } from '../request-state.ts';
import { type HeaderLines, responseHeaders } from './forwarded-headers.ts';
import { openPort, type PortDependencies, type PortRequest } from './open-port.ts';
import { portFailed } from './port-problem.ts';
import type { PortOfSandbox } from './preview-host.ts';

/**
 * Pages of a sandbox on this server's own address: whatever they do, they do it as of no origin (CSP), so that they get
 * at nothing of this server's. Scripts run; what needs an origin (cookies, storage) needs the preview's own host.
 */
const PATH_POLICY = 'sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads';

/** Hands a request on to a port, and its answer back, both as they come. */
export const proxyRequest = async (
  dependencies: PortDependencies,
  context: FacadeContext,
  asked: Omit<PortRequest, 'request' | 'upgrade'>,
): Promise<void> => {
  const { state } = context;
  const sent = await openPort(dependencies, { ...asked, request: context.req, upgrade: false }, state);
  feed(context.req, sent);
  const answer = await answerOf(sent, asked, state.signal);
  const { statusCode: status = 0 } = answer;
  if (status < 200 || status > 599) {
    answer.destroy();
    throw portFailed(asked.sandbox, asked.port, new Error(`it answered with the status ${status}`));
  }
  if (asked.prefix === '') {
    // What this server says of its own answers does not hold for those of others.
    context.remove('X-Content-Type-Options');
    context.remove('Cache-Control');
  }
  const headers = responseHeaders(answer, asked);
  await relayAnswer(context, {
    status,
    headers: asked.prefix === '' ? headers : withPathPolicy(headers),
    body: answer,
  });
};

const answerOf = (
  sent: ClientRequest,
  { sandbox, port }: PortOfSandbox,
  signal: AbortSignal,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    sent.once('response', resolve);
    // Nobody asked it to.
    sent.once('upgrade', (_answer, socket) => {
      socket.destroy();
      reject(portFailed(sandbox, port, new Error('it changed the protocol')));
    });
    sent.on('error', (error) => {
      reject(signal.aborted ? (signal.reason as Error) : portFailed(sandbox, port, error));
    });
  });

/** Beside what the port says itself: of several policies all hold. */
const withPathPolicy = (headers: HeaderLines): HeaderLines => {
  const own = headers['content-security-policy'] ?? [];
  return { ...headers, 'content-security-policy': [...(typeof own === 'string' ? [own] : own), PATH_POLICY] };
};
