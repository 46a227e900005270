import { signRequest } from '../../base/sign-request.ts';
import { partitionOf } from './user-policy.ts';
import { CredentialError, type UserCredentials } from './credentials.ts';

/** Role chaining cannot get more than an hour, and an instance's own role is a chain already. */
export const SESSION_SECONDS = 3600;
const VERSION = '2011-06-15';
const REQUEST_MS = 10_000;

export interface StsConnection {
  readonly region: string;
  /** Another STS than the region's own; for tests and compatible servers. */
  readonly endpoint?: string | undefined;
  readonly now: () => number;
}

/** The region's own endpoint: the global one is a single region's, and its tokens are not valid everywhere. */
export const stsEndpoint = ({ region, endpoint }: Pick<StsConnection, 'region' | 'endpoint'>): URL =>
  new URL(endpoint ?? `https://sts.${region}.amazonaws.com${partitionOf(region) === 'aws-cn' ? '.cn' : ''}/`);

/**
 * One call of the STS query API, signed unless `signer` is undefined (web identity brings its own proof). Rejects with a
 * CredentialError that repeats the server's code and message, never the request: it may hold a token.
 */
export const callSts = async (
  connection: StsConnection,
  action: 'AssumeRole' | 'AssumeRoleWithWebIdentity',
  parameters: Readonly<Record<string, string>>,
  signer: UserCredentials | undefined,
  signal: AbortSignal,
): Promise<UserCredentials> => {
  const url = stsEndpoint(connection);
  const body = new URLSearchParams({ Action: action, Version: VERSION, ...parameters }).toString();
  const signature =
    signer === undefined
      ? {}
      : signRequest({
          method: 'POST',
          url,
          body,
          service: 'sts',
          region: connection.region,
          credentials: signer,
          now: connection.now(),
        });
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...signature, 'content-type': 'application/x-www-form-urlencoded' },
    body,
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]),
  });
  const text = await response.text();
  if (!response.ok) {
    const code = element(text, 'Code') ?? `status ${response.status}`;
    throw new CredentialError(`${action} at ${url.host} is refused: ${code}: ${element(text, 'Message') ?? ''}`);
  }
  return readCredentials(text, `${action} at ${url.host}`);
};

/** The answer has these elements once, and their values are base64, names and times: nothing to unescape. */
const element = (xml: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1]?.trim();

const readCredentials = (xml: string, what: string): UserCredentials => {
  const [accessKeyId, secretAccessKey, sessionToken, expiration] = [
    element(xml, 'AccessKeyId'),
    element(xml, 'SecretAccessKey'),
    element(xml, 'SessionToken'),
    element(xml, 'Expiration'),
  ];
  const expiresAt = Date.parse(expiration ?? '');
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresAt)) {
    // Not the text: it may hold half of a key.
    throw new CredentialError(`${what} has answered without complete credentials`);
  }
  return { accessKeyId, secretAccessKey, sessionToken, expiresAt };
};
