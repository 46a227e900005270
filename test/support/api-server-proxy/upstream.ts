import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { ClusterAccess } from '../../../src/kube/cluster-access.ts';

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** The real API server, with the credentials of the kubeconfig. */
export interface Upstream {
  /** Resolves when the headers are there. */
  readonly send: (request: UpstreamRequest) => Promise<IncomingMessage>;
  readonly close: () => void;
}

export const makeUpstream = async (access: ClusterAccess): Promise<Upstream> => {
  const { headers: own, tls } = await access.credentials();
  const agent = new Agent({ keepAlive: true, ...tls });
  const isPlain = access.server.startsWith('http:');
  return {
    send: async ({ method, path, headers, body, signal }) => {
      const options: RequestOptions = {
        method,
        headers: { ...headers, ...own, 'content-length': Buffer.byteLength(body) },
        signal,
      };
      const url = access.server + path;
      const outgoing = isPlain ? httpRequest(url, options) : httpsRequest(url, { ...options, agent });
      outgoing.end(body);
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
      return answer;
    },
    close: () => agent.destroy(),
  };
};
