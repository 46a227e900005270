import { KubeConfig } from '@kubernetes/client-node/dist/config.js';
import type { ClusterAccess, ClusterCredentials, ClusterTls } from './cluster-access.ts';

export interface ClusterAccessOptions {
  /** Path of a kubeconfig. Without it: $KUBECONFIG, ~/.kube/config, then the pod's service account. */
  readonly kubeconfig?: string | undefined;
  /** Another context than the kubeconfig's current one. */
  readonly context?: string | undefined;
}

/**
 * Finds the cluster the way every Kubernetes client does. @kubernetes/client-node reads the files and runs the
 * credential plugins; the requests are ours (./transport.ts). The deep import leaves its models (580 kB) out of what a bundler
 * keeps. Throws an Error that says which file, context or field is wrong.
 */
export const loadClusterAccess = (options: ClusterAccessOptions = {}): ClusterAccess => {
  const config = new KubeConfig();
  try {
    if (options.kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(options.kubeconfig);
  } catch (cause) {
    throw new Error(`cannot read the kubeconfig ${options.kubeconfig ?? '($KUBECONFIG or ~/.kube/config)'}`, { cause });
  }
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const cluster = config.getCurrentCluster();
  // client-node's last resort is http://localhost:8080, which no cluster has served for years.
  if (config.getCurrentContext() === 'loaded-context') {
    throw new Error(
      'no cluster to talk to: there is neither a kubeconfig ($KUBECONFIG, ~/.kube/config) nor a service account token',
    );
  }
  if (cluster === null) {
    throw new Error(
      `the kubeconfig's context "${config.getCurrentContext()}" names no cluster of it: choose one of ` +
        config
          .getContexts()
          .map(({ name }) => name)
          .join(', '),
    );
  }
  if (cluster.proxyUrl !== undefined) {
    throw new Error(`cluster ${cluster.name} is behind the proxy ${cluster.proxyUrl}: proxy-url is not supported`);
  }
  return Object.freeze({
    server: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace,
    credentials: () => readCredentials(config),
  });
};

/** What client-node fills in; its own type is that of the `https` module. */
interface FilledOptions extends ClusterTls {
  headers?: Record<string, string>;
  auth?: string;
}

const readCredentials = async (config: KubeConfig): Promise<ClusterCredentials> => {
  const filled: FilledOptions = {};
  await config.applyToHTTPSOptions(filled);
  const headers = { ...filled.headers };
  if (filled.auth !== undefined) headers['Authorization'] = `Basic ${Buffer.from(filled.auth).toString('base64')}`;
  const tls = {
    ...(filled.ca !== undefined && { ca: filled.ca }),
    ...(filled.cert !== undefined && { cert: filled.cert }),
    ...(filled.key !== undefined && { key: filled.key }),
    ...(filled.servername !== undefined && { servername: filled.servername }),
    ...(filled.rejectUnauthorized !== undefined && { rejectUnauthorized: filled.rejectUnauthorized }),
  };
  return { headers, tls };
};
