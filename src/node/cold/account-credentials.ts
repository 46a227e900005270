import { createHmac } from 'node:crypto';
import type { Isolation } from '../../api/workspace-cold.ts';
import { workspaceId } from '../../api/workspace-id.ts';
import { signRequest, type SignedRequest } from '../../base/sign-request.ts';
import { makeTurns } from '../turns.ts';
import {
  CredentialError,
  type CredentialProvider,
  type IssuedCredentials,
  type UserCredentials,
} from './credentials.ts';
import { userStatements } from './user-policy.ts';

export interface AccountDeps {
  /** Where S3 is served. */
  readonly endpoint: string;
  /** Where the server's admin API is served: often the same. */
  readonly adminEndpoint?: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** The server's root account. */
  readonly root: () => Promise<UserCredentials>;
  readonly now: () => number;
}

const REQUEST_MS = 10_000;
const policyId = (userId: string): string => `matrx-${workspaceId(userId)}`;

/**
 * An account per user on versitygw, and a bucket policy that lets it reach its own prefix. The secret follows from the
 * root account's, so that every driver of the cluster finds the same one and none has to be kept. Older versions of the
 * server do not read a policy's conditions: whether listings are kept apart is tried out, not assumed.
 * https://github.com/versity/versitygw/wiki/Admin-APIs
 */
export const makeAccountCredentials = (deps: AccountDeps): CredentialProvider => {
  const inTurn = makeTurns();
  const known = new Map<string, IssuedCredentials>();
  const issue = async (userId: string, signal: AbortSignal): Promise<IssuedCredentials> => {
    const found = known.get(userId);
    if (found !== undefined) return found;
    const account = accountOf(await deps.root(), userId);
    await ensureAccount(deps, account, signal);
    await ensurePolicy(deps, userId, account.accessKeyId, signal);
    const issued = { ...account, isolation: await probeIsolation(deps, account, signal) };
    known.set(userId, issued);
    return issued;
  };
  // The bucket's policy is one document for all users: read, changed and written by one at a time.
  return { issue: ({ userId }, signal) => inTurn('policy', () => issue(userId, signal)) };
};

const probeIsolation = async (deps: AccountDeps, account: UserCredentials, signal: AbortSignal): Promise<Isolation> => {
  const url = new URL(`/${deps.bucket}?list-type=2&max-keys=1`, deps.endpoint);
  const { status } = await send({ ...deps, root: () => Promise.resolve(account) }, 'GET', url, '', signal);
  return status === 403 ? 'prefix' : 'account';
};

const accountOf = (root: UserCredentials, userId: string): UserCredentials => ({
  accessKeyId: policyId(userId),
  secretAccessKey: createHmac('sha256', root.secretAccessKey).update(`cold account of ${userId}`).digest('hex'),
});

const ensureAccount = async (deps: AccountDeps, account: UserCredentials, signal: AbortSignal): Promise<void> => {
  const body =
    `<Account><Access>${account.accessKeyId}</Access><Secret>${account.secretAccessKey}</Secret>` +
    '<Role>user</Role><UserID>0</UserID><GroupID>0</GroupID><ProjectID>0</ProjectID></Account>';
  const url = new URL('/create-user', deps.adminEndpoint ?? deps.endpoint);
  const { status, text } = await send(deps, 'PATCH', url, body, signal);
  if (status >= 300 && !text.includes('UserExists') && status !== 409)
    throw refused('PATCH /create-user', status, text);
};

interface BucketPolicy {
  readonly Version: string;
  readonly Statement: readonly { readonly Sid?: string }[];
}

/** Statements of others, and of other users, stay as they are. */
const ensurePolicy = async (
  deps: AccountDeps,
  userId: string,
  principal: string,
  signal: AbortSignal,
): Promise<void> => {
  const url = new URL(`/${deps.bucket}?policy=`, deps.endpoint);
  const found = await send(deps, 'GET', url, '', signal);
  if (found.status >= 300 && found.status !== 404) throw refused('reading the bucket policy', found.status, found.text);
  const policy: BucketPolicy =
    found.status === 404 ? { Version: '2012-10-17', Statement: [] } : (JSON.parse(found.text) as BucketPolicy);
  const own = userStatements(deps.bucket, userId).map((statement, at) => ({
    Sid: `${policyId(userId)}-${at}`,
    Principal: { AWS: [principal] },
    ...statement,
  }));
  const others = policy.Statement.filter(({ Sid }) => !own.some((statement) => statement.Sid === Sid));
  if (others.length + own.length === policy.Statement.length && found.status !== 404) return;
  const next = JSON.stringify({ ...policy, Statement: [...others, ...own] });
  const written = await send(deps, 'PUT', url, next, signal);
  if (written.status >= 300) throw refused('writing the bucket policy', written.status, written.text);
};

const refused = (what: string, status: number, text: string): CredentialError =>
  new CredentialError(`${what} is refused by the S3 server: status ${status} ${text.slice(0, 200)}`);

const send = async (
  deps: AccountDeps,
  method: SignedRequest['method'],
  url: URL,
  body: string,
  signal: AbortSignal,
): Promise<{ readonly status: number; readonly text: string }> => {
  const headers = signRequest({
    method,
    url,
    body,
    region: deps.region,
    credentials: await deps.root(),
    now: deps.now(),
  });
  const response = await fetch(url, {
    method,
    headers: { ...headers },
    ...(body === '' ? {} : { body }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  });
  return { status: response.status, text: await response.text() };
};
