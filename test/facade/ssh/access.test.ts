import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { json } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ANNOTATION_SSH_KEYS } from '../../../src/api/names.ts';
import { SCOPES } from '../../../src/facade/caller.ts';
import { MAX_ACCESS_KEYS } from '../../../src/facade/ssh/access-key.ts';
import { publicKeyLine } from '../../../src/facade/ssh/openssh-key.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import { aSandbox } from '../../support/resources.ts';
import { byName, keyCaller } from '../support/callers.ts';
import { type Answer, API_KEY, type RequestOptions, startFacade, type TestFacade } from '../support/facade.ts';
import { ready, stopped } from '../support/statuses.ts';
import type { Access } from './support/ssh-facade.ts';

const hostKey = publicKeyLine(generateKeyPairSync('ed25519').publicKey);
const OWN = publicKeyLine(generateKeyPairSync('ed25519').publicKey);
let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade({ ssh: { host: undefined, port: 2222, hostKey } });
  facade.cluster.add(
    aSandbox()
      .status(ready('demo', { podIP: '127.0.0.1', podUid: 'pod' }))
      .build(),
  );
});

const PATH = '/sandboxes/demo/access';
const post = (body?: unknown, options: RequestOptions = {}): Promise<Answer> =>
  facade.request(PATH, { method: 'POST', ...(body === undefined ? {} : { body }), ...options });
const give = async (body?: object): Promise<Access> => {
  const { status, body: answer } = await post(body);
  expect({ status, answer }).toMatchObject({ status: 200 });
  return answer as Access;
};
const stored = (): string => facade.cluster.get('demo')?.metadata.annotations?.[ANNOTATION_SSH_KEYS] ?? '';
const listed = async (): Promise<readonly object[]> =>
  ((await facade.request(PATH)).body as { readonly keys: readonly object[] }).keys;
/** With a Host header of one's own, which fetch does not send. */
const postAs = async (host: string): Promise<{ readonly status: number | undefined; readonly body: unknown }> => {
  const sent = request(`${facade.url}${PATH}`, { method: 'POST', headers: { Host: host, 'X-API-Key': API_KEY } });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, body: await json(answer) };
};
const idOf = (access: Access): string => access.id;

describe('access', () => {
  it("gives a fresh key, with the original's fields and what checks the server [A1.11] [T5]", async () => {
    const { body, headers } = await post();
    expect(body).toEqual({
      private_key: expect.stringMatching(
        /^-----BEGIN OPENSSH PRIVATE KEY-----\n[\s\S]+\n-----END OPENSSH PRIVATE KEY-----\n$/,
      ),
      username: 'agent',
      host: '127.0.0.1',
      port: 2222,
      ssh_command: 'ssh -i /tmp/demo.pem -o StrictHostKeyChecking=no -p 2222 agent@127.0.0.1',
      known_hosts: `[127.0.0.1]:2222 ${hostKey}`,
      id: expect.stringMatching(/^[0-9a-f]{16}$/),
      fingerprint: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
      created_at: '2026-01-01T00:00:00Z',
      expires_at: '2026-01-01T01:00:00Z',
    });
    expect(headers.get('cache-control')).toBe('no-store');
    const [first, second] = [body as Access, await give()];
    expect(second.private_key).not.toBe(first.private_key);
  });

  it('keeps the private half nowhere: not in the cluster, not in the log, not in the list [A1.11]', async () => {
    const access = await give();
    const lines = (access.private_key ?? '').split('\n').slice(1, -2);
    expect(lines.length).toBeGreaterThan(3);
    const kept = JSON.stringify([facade.cluster.get('demo'), facade.logged(), await listed()]);
    // The first lines hold the public half, too.
    for (const line of lines.slice(-3)) expect(kept).not.toContain(line);
    expect(kept).not.toContain('PRIVATE');
    const { id, fingerprint, created_at, expires_at } = access;
    expect(await listed()).toEqual([{ id, fingerprint, created_at, expires_at }]);
  });

  it.each([
    ['api.example.com', 'api.example.com'],
    ['api.example.com:8443', 'api.example.com'],
    ['[fd00::1]:80', 'fd00::1'],
  ])('is at the host that the client itself uses: %s', async (header, host) => {
    expect(await postAs(header)).toMatchObject({ status: 200, body: { host } });
  });

  it.each(['-oProxyCommand=id', 'a;reboot', 'a b', '$(id)'])(
    'makes no command line of a Host header that is no host: %j',
    async (header) => {
      expect(await postAs(header)).toMatchObject({ status: 400 });
      expect(stored()).toBe('');
    },
  );

  it('is at the host and the port of the settings, where those say so [T5]', async () => {
    facade = await startFacade({ ssh: { host: 'ssh.example.com', port: 22, hostKey } });
    facade.cluster.add(aSandbox().status(ready('demo')).build());
    expect(await give()).toMatchObject({
      host: 'ssh.example.com',
      port: 22,
      known_hosts: `ssh.example.com ${hostKey}`,
    });
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({ ssh_port: 22 });
  });

  it('lasts as long as was asked for, a day at most [T5]', async () => {
    expect(await give({ ttl_seconds: 60 })).toMatchObject({ expires_at: '2026-01-01T00:01:00Z' });
    for (const ttl_seconds of [0, 86_401, 1.5, '60']) {
      expect(await post({ ttl_seconds })).toMatchObject({
        status: 422,
        body: { detail: [{ loc: ['body', 'ttl_seconds'] }] },
      });
    }
  });

  it("takes a key of one's own, which opens the sandbox by its name; the same again gets the new time", async () => {
    const first = await give({ public_key: `  ${OWN}  ann@laptop\n`, ttl_seconds: 60 });
    expect(first).toMatchObject({
      private_key: null,
      username: 'demo',
      ssh_command: expect.stringContaining(' demo@'),
    });
    const second = await give({ public_key: OWN });
    expect(second).toMatchObject({ id: first.id, expires_at: '2026-01-01T01:00:00Z' });
    expect(await listed()).toHaveLength(1);
  });

  it.each([
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQ',
    'ssh-ed25519',
    'ssh-ed25519 AAAA',
    `${OWN}A`,
    `no-pty ${OWN}`,
    OWN.replace('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com'),
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    '',
  ])('takes no other key: %s', async (public_key) => {
    expect(await post({ public_key })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'public_key'], msg: expect.stringContaining('ssh-ed25519') }] },
    });
    expect(stored()).toBe('');
  });

  it('needs a sandbox that runs, and one that there is [A1.11]', async () => {
    facade.cluster.add(aSandbox('new').build());
    facade.cluster.add(
      aSandbox('old')
        .wanted('Stopped')
        .status(stopped(true, { podName: 'old' }))
        .build(),
    );
    const statusOf = async (id: string) => (await facade.request(`/sandboxes/${id}/access`, { method: 'POST' })).status;
    expect([await statusOf('new'), await statusOf('old'), await statusOf('none')]).toEqual([400, 409, 404]);
  });

  it('says where there is no gateway', async () => {
    facade = await startFacade();
    facade.cluster.add(aSandbox().status(ready('demo')).build());
    expect(await post()).toMatchObject({ status: 400, body: { detail: expect.stringContaining('MATRX_SSH') } });
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({ ssh_port: null });
  });

  it('is forgotten when it expires: with the next write in the record, at once in the list', async () => {
    await give({ ttl_seconds: 60 });
    await facade.clock.advance(60_000);
    expect(await listed()).toEqual([]);
    expect(stored()).not.toBe('');
    const { id } = await give();
    expect((JSON.parse(stored()) as { readonly id: string }[]).map((key) => key.id)).toEqual([id]);
  });

  it(`ends at ${MAX_ACCESS_KEYS} keys; one that is taken back or expires makes room`, async () => {
    const short = await give({ ttl_seconds: 60 });
    for (let n = 1; n < MAX_ACCESS_KEYS; n++) await give();
    const refused = { status: 429, body: { type: 'tag:matrx.dev,2026:too-many-access-keys' } };
    expect(await post()).toMatchObject(refused);
    expect((await facade.request(`${PATH}/${short.id}`, { method: 'DELETE' })).status).toBe(204);
    await give({ ttl_seconds: 60 });
    expect(await post()).toMatchObject(refused);
    await facade.clock.advance(60_000);
    await give();
    expect(Buffer.byteLength(stored())).toBeLessThan(50_000);
  });

  it('is taken back once, and the others stay', async () => {
    const [first, second] = [await give(), await give()];
    const revoke = (id: string) => facade.request(`${PATH}/${id}`, { method: 'DELETE' });
    expect((await revoke(first.id)).status).toBe(204);
    expect(await revoke(first.id)).toMatchObject({ status: 404, body: { detail: expect.stringContaining(first.id) } });
    expect((await listed()).map((key) => idOf(key as Access))).toEqual([second.id]);
    expect((await revoke(second.id)).status).toBe(204);
    expect(facade.cluster.get('demo')?.metadata.annotations).toEqual({});
  });

  it('given out by several at a time lost a key: each is written to what was read', async () => {
    const all = await Promise.all(Array.from({ length: 4 }, () => give()));
    expect((await listed()).map((key) => idOf(key as Access)).toSorted()).toEqual(all.map(idOf).toSorted());
  });

  it('is written to the sandbox as it is now, where this replica has heard of it too late', async () => {
    const first = await give();
    facade.cluster.lag();
    // Another replica's write.
    facade.cluster.change('demo', (sandbox) => ({
      ...sandbox,
      metadata: { ...sandbox.metadata, labels: { changed: 'yes' } },
    }));
    facade.cluster.fail('mergePatch', new KubeError('Conflict', 'changed meanwhile', { code: 409 }), { times: 2 });
    const second = await give();
    expect((await listed()).map((key) => idOf(key as Access))).toEqual([first.id, second.id]);
  });

  it.each(['not json', '{"a":1}', '[{"id":"x"},null,7]', '[{"id":"../x","publicKey":"ssh-ed25519 x"}]'])(
    'is given out also where the record was spoilt by hand: %s',
    async (spoilt) => {
      facade.cluster.change('demo', (sandbox) => ({
        ...sandbox,
        metadata: { ...sandbox.metadata, annotations: { [ANNOTATION_SSH_KEYS]: spoilt } },
      }));
      expect(await listed()).toEqual([]);
      await give();
      expect(await listed()).toHaveLength(1);
    },
  );
});

describe('who may', () => {
  it("give, see and take back keys: nobody at another tenant's sandbox, and there only with the scope", async () => {
    facade = await startFacade({ ssh: { host: undefined, port: 2222, hostKey } }, undefined, {
      authenticator: byName({
        ann: keyCaller('ann', ['ann']),
        bob: keyCaller('bob', ['bob']),
        reader: keyCaller('reader', ['ann'], ['sandboxes:read']),
        writer: keyCaller(
          'writer',
          ['ann'],
          SCOPES.filter((scope) => scope !== 'exec'),
        ),
      }),
    });
    facade.cluster.add(aSandbox().ofUser('ann').status(ready('demo')).build());
    const as = (name: string) => ({ headers: { 'X-API-Key': name } });
    const { body } = await post(undefined, as('ann'));
    const key = `${PATH}/${(body as Access).id}`;
    const statuses = async (name: string) => [
      (await post(undefined, as(name))).status,
      (await facade.request(PATH, as(name))).status,
      (await facade.request(key, { method: 'DELETE', ...as(name) })).status,
    ];
    expect(await statuses('bob')).toEqual([404, 404, 404]);
    expect(await statuses('reader')).toEqual([403, 200, 403]);
    expect(await statuses('writer')).toEqual([403, 200, 403]);
    expect(await statuses('ann')).toEqual([200, 200, 204]);
  });
});
