import { errorType, type Tracer } from '../../base/tracer.ts';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import type { DaemonConnections, DaemonTarget } from './connections.ts';

const TEMPLATE = /^\/(matrx\/)?[a-z_]{1,32}/;

/**
 * What a request asks of a sandbox's daemon as client spans: from the question to the first byte of the answer. Of the
 * path the first part alone, as the rest names files and processes. The daemon, in whose place anybody may have put a
 * program of their own, is not told of the trace.
 */
export const makeTracedConnections = (connections: DaemonConnections, tracer: Tracer): DaemonConnections => {
  if (!tracer.isOn) return connections;
  const traced = async <T>(
    { podIP }: DaemonTarget,
    { method, path }: { readonly method: string; readonly path: string },
    ask: () => Promise<T>,
    statusOf: (answer: T) => number | undefined,
  ): Promise<T> => {
    if (tracer.current()?.place() === undefined) return ask();
    const template = TEMPLATE.exec(path)?.[0] ?? '/';
    const span = tracer.open(`${method} ${template}`, {
      kind: 'client',
      attributes: {
        'http.request.method': method,
        'server.address': podIP,
        'url.template': template,
        'peer.service': 'sandboxd',
      },
    });
    try {
      const answer = await span.run(ask);
      span.note({ 'http.response.status_code': statusOf(answer) });
      span.end();
      return answer;
    } catch (error) {
      span.end(error instanceof DaemonError ? error.code : errorType(error));
      throw error;
    }
  };
  return {
    request: (target, options) =>
      traced(
        target,
        options,
        () => connections.request(target, options),
        ({ statusCode }) => statusCode,
      ),
    tunnel: (target, options) =>
      traced(
        target,
        { method: 'GET', path: options.path },
        () => connections.tunnel(target, options),
        () => 101,
      ),
    close: connections.close,
  };
};
