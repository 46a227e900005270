import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorAnswer, type Answer } from '../fake-s3/buckets.ts';
import type { FakeRequest } from '../fake-s3/requests.ts';
import { isAllowed, Policy } from './policy.ts';
import { permissionsOf } from './s3-permissions.ts';

/** One set of temporary credentials that was handed out. */
export interface FakeSession {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  /** Wall time in milliseconds that it was handed out with. */
  readonly expiresAt: number;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly policy: Policy;
  /** From then on S3 answers ExpiredToken, whatever `expiresAt` says. */
  ended: boolean;
}

export interface FakeSts {
  /** For `endpoint` of the providers. */
  readonly endpoint: string;
  /** In the order in which they were handed out. */
  readonly sessions: readonly FakeSession[];
  /** What S3 says to a request with one of these sessions: undefined where it is allowed. For `startFakeS3`. */
  readonly authorize: (request: Omit<FakeRequest, 'index'>) => Answer | undefined;
  readonly close: () => Promise<void>;
}

export interface FakeStsOptions {
  /** What the role itself may: by default everything, so that the session policy alone keeps users apart. */
  readonly role?: Policy;
  /** Instead of the seconds that are asked for. */
  readonly lifeMs?: number;
  /** Milliseconds before its expiry from which S3 refuses a session. */
  readonly refusedEarlyMs?: number;
}

const EVERYTHING: Policy = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['*'], Resource: ['*'] }],
};

/**
 * AssumeRole, and what S3 makes of the credentials: a session may do what the role's policy and the session's own both
 * allow, until it expires. Not checked are signatures (test/node/cold/sts-credentials.test.ts does). Requests that AWS
 * would refuse for their form are refused here. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export const startFakeSts = async (options: FakeStsOptions = {}): Promise<FakeSts> => {
  const sessions: FakeSession[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const form = new URLSearchParams(body);
      const fault = faultOf(form);
      if (fault !== undefined) {
        const text = `<ErrorResponse><Error><Code>ValidationError</Code><Message>${fault}</Message></Error></ErrorResponse>`;
        response.writeHead(400).end(text);
        return;
      }
      const session = sessionOf(form, options);
      sessions.push(session);
      response.writeHead(200).end(answerOf(session));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    sessions,
    authorize: (request) => {
      const session = sessions.find(({ sessionToken }) => sessionToken === request.headers['x-amz-security-token']);
      const credential = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1];
      if (session === undefined || session.accessKeyId !== credential) return errorAnswer(403, 'InvalidAccessKeyId');
      if (session.ended || Date.now() >= session.expiresAt - (options.refusedEarlyMs ?? 0)) {
        return errorAnswer(400, 'ExpiredToken', 'The provided token has expired.');
      }
      const tags = Object.entries(session.tags).map(([name, value]) => [`aws:PrincipalTag/${name}`, value]);
      const principal = Object.fromEntries(tags) as Readonly<Record<string, string>>;
      const allowed = permissionsOf(request).every(({ context, ...asked }) =>
        isAllowed([options.role ?? EVERYTHING, session.policy], { ...asked, context: { ...principal, ...context } }),
      );
      return allowed ? undefined : errorAnswer(403, 'AccessDenied');
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const faultOf = (form: URLSearchParams): string | undefined => {
  const text = (name: string): string => form.get(name) ?? '';
  const seconds = Number(text('DurationSeconds'));
  if (text('Action') !== 'AssumeRole') return 'this server knows AssumeRole';
  if (!/^[\w+=,.@-]{2,64}$/.test(text('RoleSessionName'))) return 'RoleSessionName';
  if (!(seconds >= 900 && seconds <= 3600)) return 'DurationSeconds: a chained role has 900 to 3600';
  if (text('Policy').length > 2048) return 'Policy is longer than 2048 characters';
  if (!Policy.safeParse(parseJson(text('Policy'))).success) return 'Policy is not understood';
  if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u.test(text('Tags.member.1.Value'))) return 'Tags.member.1.Value';
  return undefined;
};

const sessionOf = (form: URLSearchParams, { lifeMs }: FakeStsOptions): FakeSession => ({
  accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
  secretAccessKey: randomBytes(20).toString('hex'),
  sessionToken: randomBytes(30).toString('base64'),
  expiresAt: Date.now() + (lifeMs ?? Number(form.get('DurationSeconds')) * 1000),
  name: form.get('RoleSessionName') ?? '',
  tags: { [form.get('Tags.member.1.Key') ?? '']: form.get('Tags.member.1.Value') ?? '' },
  policy: Policy.parse(parseJson(form.get('Policy') ?? '')),
  ended: false,
});

const answerOf = ({ accessKeyId, secretAccessKey, sessionToken, expiresAt }: FakeSession): string =>
  `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>${accessKeyId}</AccessKeyId>` +
  `<SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${sessionToken}</SessionToken>` +
  `<Expiration>${new Date(expiresAt).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
