import type { Isolation } from '../../api/workspace-cold.ts';

export interface UserCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Wall time in milliseconds; without it they do not expire. */
  readonly expiresAt?: number;
}

/** What a provider hands out, and how far the server lets it reach. */
export interface IssuedCredentials extends UserCredentials {
  readonly isolation: Isolation;
}

export interface CredentialRequest {
  readonly userId: string;
  /** Stands in the server's audit log: the Sandbox's name. */
  readonly session: string;
  /** The pod-bound token for STS that kubelet handed over with the volume; only web identity needs it. */
  readonly token?: string | undefined;
}

/** Where the credentials for one user's files come from. */
export interface CredentialProvider {
  /** New ones. Rejects with a CredentialError, or with what the network threw. */
  readonly issue: (request: CredentialRequest, signal: AbortSignal) => Promise<IssuedCredentials>;
  /**
   * Ends what this process was issued for the user and does not expire by itself; not there where all of it does. To be
   * called when no mount of the user is left and no other can have begun. Rejects as `issue` does.
   */
  readonly revoke?: (userId: string, signal: AbortSignal) => Promise<void>;
}

/** The server has answered, and said no. `message` says who said what and what to do. */
export class CredentialError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CredentialError';
  }
}

/** The driver's own credentials for everyone: only where whoever runs the cluster has asked for it in so many words. */
export const makeSharedCredentials = (own: () => Promise<UserCredentials>): CredentialProvider => ({
  issue: async () => ({ ...(await own()), isolation: 'none' }),
});

/** Where cold storage is not set up, and a pod asks for it all the same. */
export const makeNoCredentials = (): CredentialProvider => ({
  issue: () =>
    Promise.reject(
      new CredentialError(
        'cold storage is off on this node: set MATRX_COLD_PROVIDER of the node driver, as of the controller',
      ),
    ),
});
