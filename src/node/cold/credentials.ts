/** How far one user's credentials reach, as the Workspace's status says it. */
export const ISOLATIONS = ['prefix', 'account', 'none'] as const;
/**
 * `prefix`: the server refuses everything outside of the user's prefix, names included. `account`: a key of the user's own, but
 * the server cannot tell prefixes apart in listings. `none`: the driver's own key, which reaches every user's files.
 */
export type Isolation = (typeof ISOLATIONS)[number];

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
}

/** The server has answered, and said no. `message` says who said what and what to do. */
export class CredentialError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CredentialError';
  }
}

/**
 * The driver's own credentials for everyone: only where whoever runs the cluster has asked for it in so many words.
 * Throws a CredentialError where nobody has.
 */
export const makeSharedCredentials = (deps: {
  readonly allowNoIsolation: boolean;
  readonly own: () => Promise<UserCredentials>;
}): CredentialProvider => {
  if (!deps.allowNoIsolation) {
    throw new CredentialError(
      'no way to give each user credentials of their own is set: name a role (MATRX_COLD_ROLE_ARN) or the accounts of the S3 ' +
        'server, or set MATRX_COLD_ISOLATION=none to mount everyone with the driver’s own key',
    );
  }
  return { issue: async () => ({ ...(await deps.own()), isolation: 'none' }) };
};
