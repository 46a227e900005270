import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signRequest } from '../../../src/base/sign-request.ts';
import { CredentialError, makeNoCredentials, makeSharedCredentials } from '../../../src/node/cold/credentials.ts';
import { makeAssumeRoleCredentials, makeWebIdentityCredentials } from '../../../src/node/cold/sts-credentials.ts';
import { stsEndpoint } from '../../../src/node/cold/sts-request.ts';
import { sessionPolicy } from '../../../src/node/cold/user-policy.ts';

// No AWS is asked: a server on loopback stands for STS and checks what it is sent, the signature included.

const OWN = { accessKeyId: 'AKIAOWN', secretAccessKey: 'own-secret', sessionToken: 'own-token' };
const NOW = Date.UTC(2026, 10, 25, 10);
const signal = new AbortController().signal;

const answer = (expiration: string): string => `<AssumeRoleResponse><AssumeRoleResult><Credentials>
  <AccessKeyId>ASIAUSER</AccessKeyId><SecretAccessKey>user/secret+</SecretAccessKey>
  <SessionToken>user-token==</SessionToken><Expiration>${expiration}</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>`;

let server: Server;
let seen: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
let reply: { status: number; body: string };

beforeEach(async () => {
  seen = [];
  reply = { status: 200, body: answer('2026-11-25T11:00:00Z') };
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      seen.push({ headers: request.headers, body });
      response.writeHead(reply.status).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const deps = () => ({
  roleArn: 'arn:aws:iam::123456789012:role/matrx-user',
  bucket: 'files',
  region: 'eu-central-1',
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  now: () => NOW,
});
const assumeRole = () => makeAssumeRoleCredentials({ ...deps(), own: () => Promise.resolve(OWN) });

describe('AssumeRole', () => {
  it('asks for an hour of exactly one user’s prefix, tagged with the user, and signs it', async () => {
    const issued = await assumeRole().issue({ userId: 'Ann', session: 'sbx 1/ä' }, signal);
    expect(issued).toEqual({
      accessKeyId: 'ASIAUSER',
      secretAccessKey: 'user/secret+',
      sessionToken: 'user-token==',
      expiresAt: Date.UTC(2026, 10, 25, 11),
      isolation: 'prefix',
    });
    const [request] = seen;
    const form = Object.fromEntries(new URLSearchParams(request?.body));
    expect(form).toEqual({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: 'arn:aws:iam::123456789012:role/matrx-user',
      RoleSessionName: 'sbx-1--',
      DurationSeconds: '3600',
      Policy: JSON.stringify(sessionPolicy('files', 'Ann', 'eu-central-1')),
      'Tags.member.1.Key': 'matrx-user',
      'Tags.member.1.Value': expect.stringMatching(/^x--[0-9a-f]{40}$/),
    });
    const expected = signRequest({
      method: 'POST',
      url: new URL(deps().endpoint),
      body: request?.body ?? '',
      service: 'sts',
      region: 'eu-central-1',
      credentials: OWN,
      now: NOW,
    });
    expect(request?.headers).toMatchObject(expected);
    expect(request?.headers.authorization).toContain('/eu-central-1/sts/aws4_request');
  });

  it('a refusal says what the server said', async () => {
    reply = {
      status: 403,
      body: '<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform sts:TagSession</Message></Error></ErrorResponse>',
    };
    await expect(assumeRole().issue({ userId: 'ann', session: 's' }, signal)).rejects.toThrow(
      /refused: AccessDenied: not authorized to perform sts:TagSession/,
    );
  });

  it('half an answer is no credentials, and its half of a key is not repeated', async () => {
    reply = { status: 200, body: '<SecretAccessKey>half</SecretAccessKey>' };
    const failure = assumeRole().issue({ userId: 'ann', session: 's' }, signal);
    await expect(failure).rejects.toThrow(CredentialError);
    await expect(failure).rejects.not.toThrow(/half/);
  });

  it('uses the endpoint of the region, also in China', () => {
    expect(stsEndpoint({ region: 'eu-west-1' }).host).toBe('sts.eu-west-1.amazonaws.com');
    expect(stsEndpoint({ region: 'cn-north-1' }).host).toBe('sts.cn-north-1.amazonaws.com.cn');
  });
});

describe('web identity', () => {
  it('sends the pod’s token and no signature, narrowed to the user all the same', async () => {
    await makeWebIdentityCredentials(deps()).issue({ userId: 'ann', session: 'sbx', token: 'a.b.c' }, signal);
    const form = Object.fromEntries(new URLSearchParams(seen[0]?.body));
    expect(form).toMatchObject({
      Action: 'AssumeRoleWithWebIdentity',
      WebIdentityToken: 'a.b.c',
      Policy: JSON.stringify(sessionPolicy('files', 'ann', 'eu-central-1')),
    });
    expect(seen[0]?.headers.authorization).toBeUndefined();
  });

  it('without a token says which setting is missing', async () => {
    const issue = makeWebIdentityCredentials(deps()).issue({ userId: 'ann', session: 'sbx' }, signal);
    await expect(issue).rejects.toThrow(/tokenRequests/);
    expect(seen).toEqual([]);
  });
});

describe('no isolation', () => {
  it('is nothing that a driver without a setting falls back on', async () => {
    await expect(makeNoCredentials().issue({ userId: 'ann', session: 's' }, signal)).rejects.toThrow(
      /MATRX_COLD_PROVIDER/,
    );
  });

  it('says so where it is asked for', async () => {
    const provider = makeSharedCredentials(() => Promise.resolve(OWN));
    await expect(provider.issue({ userId: 'ann', session: 's' }, signal)).resolves.toEqual({
      ...OWN,
      isolation: 'none',
    });
  });
});
