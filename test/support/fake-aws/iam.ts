import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorAnswer, type Answer } from '../fake-s3/buckets.ts';
import type { FakeRequest } from '../fake-s3/requests.ts';
import { isAllowed, Policy } from './policy.ts';
import { permissionsOf } from './s3-permissions.ts';

interface FakeKey {
  readonly id: string;
  readonly secret: string;
  readonly created: string;
}

interface FakeUser {
  readonly policies: Map<string, Policy>;
  readonly keys: FakeKey[];
}

export interface FakeIam {
  readonly endpoint: string;
  readonly users: ReadonlyMap<string, FakeUser>;
  /** The actions that were asked for, in order. */
  readonly actions: readonly string[];
  /** What is answered to an action in place of doing it. */
  readonly faults: Map<string, { readonly status: number; readonly body: string }>;
  /** What S3 says to a request with one of these keys: undefined where it is allowed. For `startFakeS3`. */
  readonly authorize: (request: Omit<FakeRequest, 'index'>) => Answer | undefined;
  readonly close: () => Promise<void>;
}

/** Dates are whole seconds, and what is done within one has the same; nor do listings have an order. */
const CREATED = '2026-01-02T03:04:05Z';
/** As many as AWS lets a user have. */
const MOST_KEYS = 2;

/**
 * Users, their inline policies and their access keys. Not checked are signatures. The same contract
 * (test/support/account-contract.ts) is run against versitygw.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
 */
export const startFakeIam = async (): Promise<FakeIam> => {
  const users = new Map<string, FakeUser>();
  const actions: string[] = [];
  const faults: FakeIam['faults'] = new Map();

  const act = (form: URLSearchParams): { readonly status: number; readonly body: string } => {
    const action = form.get('Action') ?? '';
    const name = form.get('UserName') ?? '';
    actions.push(action);
    const fault = faults.get(action);
    if (fault !== undefined) return fault;
    if (name.length > 64) return refusal(400, 'ValidationError');
    const user = users.get(name);
    if (action === 'CreateUser') {
      if (user !== undefined) return refusal(409, 'EntityAlreadyExists');
      users.set(name, { policies: new Map(), keys: [] });
      return { status: 200, body: '<CreateUserResponse/>' };
    }
    if (user === undefined) return refusal(404, 'NoSuchEntity');
    switch (action) {
      case 'PutUserPolicy':
        user.policies.set(form.get('PolicyName') ?? '', Policy.parse(JSON.parse(form.get('PolicyDocument') ?? '')));
        return { status: 200, body: '<PutUserPolicyResponse/>' };
      case 'DeleteUserPolicy':
        return user.policies.delete(form.get('PolicyName') ?? '')
          ? { status: 200, body: '<DeleteUserPolicyResponse/>' }
          : refusal(404, 'NoSuchEntity');
      case 'ListAccessKeys': {
        const members = user.keys.map(
          ({ id, created }) =>
            `<member><AccessKeyId>${id}</AccessKeyId><Status>Active</Status><CreateDate>${created}</CreateDate></member>`,
        );
        return { status: 200, body: `<AccessKeyMetadata>${members.join('')}</AccessKeyMetadata>` };
      }
      case 'CreateAccessKey': {
        if (user.keys.length === MOST_KEYS) return refusal(409, 'LimitExceeded');
        const key = {
          id: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
          secret: randomBytes(20).toString('hex'),
          created: CREATED,
        };
        user.keys.unshift(key);
        return {
          status: 200,
          body: `<AccessKey><AccessKeyId>${key.id}</AccessKeyId><SecretAccessKey>${key.secret}</SecretAccessKey></AccessKey>`,
        };
      }
      case 'DeleteAccessKey': {
        const at = user.keys.findIndex(({ id }) => id === form.get('AccessKeyId'));
        if (at === -1) return refusal(404, 'NoSuchEntity');
        user.keys.splice(at, 1);
        return { status: 200, body: '<DeleteAccessKeyResponse/>' };
      }
      case 'DeleteUser':
        if (user.keys.length > 0 || user.policies.size > 0) return refusal(409, 'DeleteConflict');
        users.delete(name);
        return { status: 200, body: '<DeleteUserResponse/>' };
      default:
        return refusal(400, 'InvalidAction');
    }
  };

  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      const answer = act(new URLSearchParams(body));
      response.writeHead(answer.status).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    users,
    actions,
    faults,
    authorize: (request) => {
      const id = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1];
      const user = [...users.values()].find((one) => one.keys.some((key) => key.id === id));
      if (user === undefined) return errorAnswer(403, 'InvalidAccessKeyId');
      const allowed = permissionsOf(request).every((asked) =>
        [...user.policies.values()].some((policy) => isAllowed([policy], asked)),
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

const refusal = (status: number, code: string): { readonly status: number; readonly body: string } => ({
  status,
  body: `<ErrorResponse><Error><Code>${code}</Code><Message>because of ${code}</Message></Error></ErrorResponse>`,
});
