import { createHash } from 'node:crypto';
import { workspaceId } from '../../api/workspace-id.ts';
import type { Isolation } from '../../api/workspace-cold.ts';
import { signRequest } from '../../base/sign-request.ts';
import { makeTurns } from '../turns.ts';
import {
  CredentialError,
  type CredentialProvider,
  type IssuedCredentials,
  type UserCredentials,
} from './credentials.ts';
import { sessionPolicy } from './user-policy.ts';

export interface AccountDeps {
  /** Where S3 is served. */
  readonly endpoint: string;
  /** Where the same server's IAM API is served. */
  readonly iamEndpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Of an account that may make users. */
  readonly root: () => Promise<UserCredentials>;
  readonly now: () => number;
}

const REQUEST_MS = 10_000;
const VERSION = '2010-05-08';
const POLICY = 'cold';
/** As many as a user may have at a time, here as on AWS. */
const MOST_KEYS = 2;
const LONGEST_NAME = 64;

/**
 * A user for each user, by the IAM API of an S3 server that has one (versitygw, AWS itself), whose own policy reaches
 * their prefix alone. Not a statement for each of them in the bucket's policy: versitygw keeps that in an attribute of a
 * folder, where there is room for seven. Each mount gets a key of its own and puts an end to the last but one; with the
 * last of them the user goes, so that the server (versitygw looks through all of its users for each request) has hardly
 * more of them than there are mounts. What an earlier process was issued lasts until the next mount of the user. Whether
 * listings are kept apart is tried out, not assumed.
 */
export const makeAccountCredentials = (deps: AccountDeps): CredentialProvider => {
  const inTurn = makeTurns();
  const issued = new Map<string, readonly string[]>();
  return {
    issue: ({ userId }, signal) =>
      inTurn(userId, async () => {
        const own = issued.get(userId) ?? [];
        const credentials = await issue(deps, userId, own, signal);
        issued.set(userId, [...own, credentials.accessKeyId]);
        return credentials;
      }),
    revoke: (userId, signal) =>
      inTurn(userId, async () => {
        await revoke(deps, userId, issued.get(userId) ?? [], signal);
        issued.delete(userId);
      }),
  };
};

/** Keys that are not ours are another node's, or an earlier process's: the next mount ends those. */
const revoke = async (
  deps: AccountDeps,
  userId: string,
  own: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  if (own.length === 0) return;
  const user = { UserName: userName(userId) };
  const keys = keysOf(await call(deps, 'ListAccessKeys', user, signal, 'NoSuchEntity'));
  for (const { id } of keys.filter((key) => own.includes(key.id))) {
    await call(deps, 'DeleteAccessKey', { ...user, AccessKeyId: id }, signal, 'NoSuchEntity');
  }
  if (!keys.every(({ id }) => own.includes(id))) return;
  await call(deps, 'DeleteUserPolicy', { ...user, PolicyName: POLICY }, signal, 'NoSuchEntity');
  await call(deps, 'DeleteUser', user, signal, 'NoSuchEntity');
};

const issue = async (
  deps: AccountDeps,
  userId: string,
  own: readonly string[],
  signal: AbortSignal,
): Promise<IssuedCredentials> => {
  const user = { UserName: userName(userId) };
  await call(deps, 'CreateUser', user, signal, 'EntityAlreadyExists');
  const policy = JSON.stringify(sessionPolicy(deps.bucket, userId, deps.region));
  await call(deps, 'PutUserPolicy', { ...user, PolicyName: POLICY, PolicyDocument: policy }, signal);
  for (const key of keysToEnd(keysOf(await call(deps, 'ListAccessKeys', user, signal)), own)) {
    await call(deps, 'DeleteAccessKey', { ...user, AccessKeyId: key }, signal, 'NoSuchEntity');
  }
  const answer = await call(deps, 'CreateAccessKey', user, signal);
  const [accessKeyId, secretAccessKey] = [element(answer, 'AccessKeyId'), element(answer, 'SecretAccessKey')];
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    // Not the text: it may hold half of a key.
    throw new CredentialError('CreateAccessKey has answered without a complete key');
  }
  const key = { accessKeyId, secretAccessKey };
  return { ...key, isolation: await probeIsolation(deps, key, signal) };
};

const userName = (userId: string): string => {
  const plain = `matrx-${workspaceId(userId)}`;
  // No plain one has two dashes here.
  return plain.length <= LONGEST_NAME
    ? plain
    : `matrx--${createHash('sha256').update(userId).digest('hex').slice(0, 40)}`;
};

const keysOf = (answer: string): readonly { readonly id: string; readonly created: string }[] =>
  [...answer.matchAll(/<member>(.*?)<\/member>/gs)].map(([, member = '']) => ({
    id: element(member, 'AccessKeyId') ?? '',
    created: element(member, 'CreateDate') ?? '',
  }));

/** All but the newest, where another would be one too many. Dates are whole seconds: within one, `own` are in their order. */
const keysToEnd = (keys: ReturnType<typeof keysOf>, own: readonly string[]): readonly string[] => {
  const oldestFirst = keys.toSorted(
    (a, b) => a.created.localeCompare(b.created) || own.indexOf(a.id) - own.indexOf(b.id),
  );
  return oldestFirst.slice(0, Math.max(0, keys.length - MOST_KEYS + 1)).map(({ id }) => id);
};

const probeIsolation = async (deps: AccountDeps, key: UserCredentials, signal: AbortSignal): Promise<Isolation> => {
  const url = new URL(`/${deps.bucket}?list-type=2&max-keys=1`, deps.endpoint);
  const request = { method: 'GET', url, body: '', region: deps.region, credentials: key, now: deps.now() } as const;
  const { status } = await fetch(url, { headers: { ...signRequest(request) }, signal: soon(signal) });
  return status === 403 ? 'prefix' : 'account';
};

/** The answer's text. Rejects with a CredentialError for a refusal other than `accepted`. */
const call = async (
  deps: AccountDeps,
  action: string,
  parameters: Readonly<Record<string, string>>,
  signal: AbortSignal,
  accepted?: string,
): Promise<string> => {
  const url = new URL(deps.iamEndpoint);
  const body = new URLSearchParams({ Action: action, Version: VERSION, ...parameters }).toString();
  const headers = signRequest({
    method: 'POST',
    url,
    body,
    service: 'iam',
    region: deps.region,
    credentials: await deps.root(),
    now: deps.now(),
  });
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body,
    redirect: 'error',
    signal: soon(signal),
  });
  const text = await response.text();
  if (response.ok) return text;
  const code = element(text, 'Code') ?? `status ${response.status}`;
  if (code === accepted) return text;
  throw new CredentialError(`${action} at ${url.host} is refused: ${code}: ${element(text, 'Message') ?? ''}`);
};

const soon = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);

/** Keys, names and times: nothing to unescape. */
const element = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1]?.trim();
