import { workspaceId } from '../../api/workspace-id.ts';
import {
  CredentialError,
  type CredentialProvider,
  type CredentialRequest,
  type UserCredentials,
} from './credentials.ts';
import { callSts, SESSION_SECONDS, type StsConnection } from './sts-request.ts';
import { sessionPolicy } from './user-policy.ts';

export interface StsDeps extends StsConnection {
  readonly roleArn: string;
  readonly bucket: string;
}

/** The tag that the role's own policy can name: `${aws:PrincipalTag/matrx-user}`. */
export const USER_TAG = 'matrx-user';

/** STS takes 2 to 64 of these characters. */
const sessionName = (session: string): string =>
  session
    .replace(/[^\w+=,.@-]/g, '-')
    .slice(0, 64)
    .padEnd(2, '-');

const roleParameters = (deps: StsDeps, { userId, session }: CredentialRequest): Readonly<Record<string, string>> => ({
  RoleArn: deps.roleArn,
  RoleSessionName: sessionName(session),
  DurationSeconds: String(SESSION_SECONDS),
  Policy: JSON.stringify(sessionPolicy(deps.bucket, userId, deps.region)),
});

/**
 * One role for all users, narrowed per user: by the session policy, and by a session tag that the role's own policy may
 * ask for as well. `own` are the driver's credentials, which may do nothing but assume this role.
 */
export const makeAssumeRoleCredentials = (
  deps: StsDeps & { readonly own: () => Promise<UserCredentials> },
): CredentialProvider => ({
  issue: async (request, signal) => {
    const parameters = {
      ...roleParameters(deps, request),
      'Tags.member.1.Key': USER_TAG,
      'Tags.member.1.Value': workspaceId(request.userId),
    };
    return { ...(await callSts(deps, 'AssumeRole', parameters, await deps.own(), signal)), isolation: 'prefix' };
  },
});

/**
 * The pod's own token is the proof (IRSA and its like): the driver needs no AWS credentials at all. Tags come from the
 * token's claims, so here the session policy is what narrows the role.
 */
export const makeWebIdentityCredentials = (deps: StsDeps): CredentialProvider => ({
  issue: async (request, signal) => {
    if (request.token === undefined) {
      throw new CredentialError(
        'kubelet sent no pod token for audience sts.amazonaws.com: add it to tokenRequests of the CSIDriver object',
      );
    }
    const parameters = { ...roleParameters(deps, request), WebIdentityToken: request.token };
    return {
      ...(await callSts(deps, 'AssumeRoleWithWebIdentity', parameters, undefined, signal)),
      isolation: 'prefix',
    };
  },
});
