/** How to reach an API server and who we are there. Made by ./load-cluster-access.ts, or by hand for a local server. */
export interface ClusterAccess {
  /** `https://host:port`, with a path prefix where there is one. */
  readonly server: string;
  /** The namespace of the kubeconfig's context or of the service account. */
  readonly namespace: string | undefined;
  /**
   * Headers and TLS material as they are now. Asked again and again, because tokens and certificates rotate on disk
   * while the process runs. Rejects when they cannot be read.
   */
  readonly credentials: () => Promise<ClusterCredentials>;
}

export interface ClusterCredentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ClusterTls;
}

/** PEM. Without `ca`, Node's own roots count (and NODE_EXTRA_CA_CERTS, which adds to those only). */
export interface ClusterTls {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * Access without a kubeconfig, for a proxy or a test server. Plain http is taken on loopback only: anywhere else it
 * would send the token in the clear. Throws a RangeError that names the URL.
 */
export const directAccess = (server: string, credentials: Partial<ClusterCredentials> = {}): ClusterAccess => {
  const url = new URL(server);
  if (url.protocol !== 'https:' && !LOOPBACK.has(url.hostname)) {
    throw new RangeError(`API server URL ${server}: use https; plain http is accepted on loopback only`);
  }
  const fixed = Object.freeze({ headers: credentials.headers ?? {}, tls: credentials.tls ?? {} });
  return Object.freeze({ server, namespace: undefined, credentials: () => Promise.resolve(fixed) });
};
