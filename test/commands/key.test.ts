import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readEntries } from '../../src/facade/keys/keys-secret.ts';
import { base64, entry, testKey } from '../facade/support/key-records.ts';
import { type Kubeconfig, writeKubeconfig } from '../support/kube-server/kubeconfig.ts';
import { type SecretModel, startSecretModel } from '../support/kube-server/secret-model.ts';
import { runMatrx } from '../support/matrx.ts';
import { runHere } from './support/run-here.ts';

let model: SecretModel;
let kubeconfig: Kubeconfig;

beforeEach(async () => {
  model = await startSecretModel();
  kubeconfig = await writeKubeconfig(model.server.url);
});

afterEach(async () => {
  await kubeconfig.remove();
  await model.close();
});

const key = (...args: string[]) => runHere(['key', ...args, '--kubeconfig', kubeconfig.path]);
const records = () => readEntries(model.secret());

describe('matrx key', () => {
  it('create makes the Secret where there is none, prints the key alone on stdout, and keeps only its hash', async () => {
    const { code, stdout, stderr } = await key('create', '--user', 'ann', '--user', 'bob', '--expires', '90d');
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/for ann, bob, until 20/) });
    expect(stdout).toMatch(/^mtx_[0-9a-f]{56}\n$/);
    expect(stderr).not.toContain(stdout.trim());
    const [[id, record] = []] = [...records().records];
    expect(stdout.slice(4, 20)).toBe(id);
    expect(JSON.stringify(model.secret())).not.toContain(stdout.slice(20, 60));
    expect(record).toMatchObject({
      name: 'ann, bob',
      users: ['ann', 'bob'],
      scopes: ['sandboxes:read', 'sandboxes:write', 'exec', 'files', 'workspaces'],
      limits: { requests_per_second: 50, burst: 100 },
    });
    const days = (Date.parse(record?.expiresAt ?? '') - Date.parse(record?.createdAt ?? '')) / 86_400_000;
    expect(days).toBeCloseTo(90, 3);
  });

  it('create takes every term, and answers with JSON where it is asked to', async () => {
    const terms = [
      '--all-users',
      '--name',
      'CI',
      '--scope',
      'exec',
      '--scope',
      'files',
      '--rate',
      '0.5',
      '--burst',
      '3',
    ];
    const { stdout } = await key('create', ...terms, '--sandboxes', '2', '--e2b', '--json');
    const made = JSON.parse(stdout) as { readonly id: string; readonly key: string };
    expect(made).toMatchObject({
      key: expect.stringMatching(/^e2b_[0-9a-f]{56}$/),
      name: 'CI',
      users: '*',
      scopes: ['exec', 'files'],
      limits: { requests_per_second: 0.5, burst: 3, concurrent_sandboxes: 2 },
    });
    expect(made).not.toHaveProperty('hash');
    expect(records().records.get(made.id)?.limits).toEqual({
      requests_per_second: 0.5,
      burst: 3,
      concurrent_sandboxes: 2,
    });
  });

  it('create at the same time as somebody else: both keys hold', async () => {
    model.edit(entry(1));
    model.beforeNextWrite(() => model.edit(entry(2)));
    const { code } = await key('create', '--all-users', '--rate', 'none');
    expect(code).toBe(0);
    expect(records().records.size).toBe(3);
    expect(records().malformed).toEqual([]);
  });

  it('create as the first of all, at the same time as somebody else: both keys hold', async () => {
    model.beforeNextWrite(() => model.edit(entry(1)));
    expect((await key('create', '--all-users')).code).toBe(0);
    expect(records().records.size).toBe(2);
  });

  it('list names the keys and what is none, and never a hash', async () => {
    model.edit({
      ...entry(1, { limits: { requests_per_second: 5, burst: 9, concurrent_sandboxes: 2 }, users: ['ann'] }),
      ...entry(2, { createdAt: '2025-01-01T00:00:00Z', expiresAt: '2025-02-01T00:00:00Z' }),
      [testKey(3).id]: base64('nonsense'),
    });
    const { stdout, stderr } = await key('list');
    expect(stdout.split('\n').map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'ID | NAME | USERS | SCOPES | LIMITS | CREATED | EXPIRES',
      `${testKey(2).id} | key 2 | * | sandboxes:read,sandboxes:write,exec,files,workspaces | none | 2025-01-01T00:00:00Z | 2025-02-01T00:00:00Z (expired)`,
      `${testKey(1).id} | key 1 | ann | sandboxes:read,sandboxes:write,exec,files,workspaces | 5/s (9), 2 sandboxes | 2026-01-01T00:00:00Z | never`,
      '',
    ]);
    expect(stderr).toBe(`${testKey(3).id} is no API key and is refused: it is not JSON\n`);
    const listed = JSON.parse((await key('list', '--json')).stdout) as readonly object[];
    expect(listed).toMatchObject([{ state: 'expired' }, { state: 'valid', users: ['ann'] }, { state: 'malformed' }]);
    expect(JSON.stringify(listed)).not.toContain('hash');
  });

  it('revoke takes the key by its id or as a whole, and the entries that are none', async () => {
    model.edit({ ...entry(1), ...entry(2), 'not-a-key': base64('x') });
    const revoked = [
      await key('revoke', testKey(1).id),
      await key('revoke', 'not-a-key', '--json'),
      await key('revoke', testKey(2).text),
    ];
    expect(revoked.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(model.secret()?.data).toEqual({});
    expect(`${revoked[2]?.stdout}${revoked[2]?.stderr}`).not.toContain(testKey(2).secret);
    expect(await key('revoke', testKey(1).id)).toMatchObject({
      code: 1,
      stderr: `matrx key: there is no API key ${testKey(1).id}: \`matrx key list\` names those there are\n`,
    });
    // An empty Secret has no data at all after somebody else's hands.
    expect((await key('create', '--all-users')).code).toBe(0);
  });

  it('rotate gives the key another secret and leaves its terms; the old one goes at once, or later', async () => {
    model.edit(entry(1, { users: ['ann'] }));
    const before = records().records.get(testKey(1).id);
    const { stdout } = await key('rotate', testKey(1).id);
    expect(stdout).toMatch(new RegExp(`^mtx_${testKey(1).id}[0-9a-f]{40}\n$`));
    const { hash, ...terms } = records().records.get(testKey(1).id) ?? {};
    expect({ hash: before?.hash, ...terms }).toEqual(before);
    expect(hash).not.toBe(before?.hash);

    const { stderr } = await key('rotate', testKey(1).id, '--overlap', '1h');
    expect(stderr).toMatch(/the old secret is taken as well until 20/);
    expect(records().records.get(testKey(1).id)?.previous?.hash).toBe(hash);
  });

  it.each([
    [['create'], /say whom the key may act for: --user <id> \(several times\), or --all-users/],
    [['create', '--user', 'ann', '--all-users'], /say whom the key may act for/],
    [['create', '--user', 'a b'], /users/],
    [['create', '--all-users', '--scope', 'admin'], /--scope admin: there is none such; take of sandboxes:read, /],
    [['create', '--all-users', '--expires', 'soon'], /--expires soon: takes a duration such as 10m, 12h, 90d or 1y/],
    [['create', '--all-users', '--expires', '2020-01-01T00:00:00Z'], /--expires 2020.*: is not in the future/],
    [['create', '--all-users', '--rate', '0'], /takes a number of requests a second/],
    [['create', '--all-users', '--sandboxes', 'many'], /takes a whole number/],
    [['create', '--all-users', '--rate', 'none', '--burst', '2'], /--burst needs a --rate/],
    [['revoke', 'a b'], /"a b" is neither a key nor the id of one/],
    [['rotate', '0000000000000000'], /there is no API key 0000000000000000/],
    [['rotate', '0000000000000000', '--overlap', 'x'], /--overlap x: takes a duration/],
  ])('%j is refused, and nothing is written', async (args, message) => {
    const { code, stdout, stderr } = await key(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
    expect(model.secret()).toBeUndefined();
  });

  it.each([
    [
      403,
      'Forbidden',
      /secrets .* is forbidden\nyour kubeconfig's user needs the verbs get, create and patch for the Secret matrx-api-keys/,
    ],
    [401, 'Unauthorized', /does not accept the kubeconfig's credentials/],
    [404, 'NotFound', /is the product installed in another namespace\? name it with --namespace/],
  ])('answers %i %s with what to do', async (status, reason, message) => {
    model.server.answer((exchange) => exchange.status(status, reason, `secrets "x" is ${reason.toLowerCase()}`));
    const { code, stderr } = await key('create', '--all-users');
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });

  it('says which kubeconfig it cannot read, which context it lacks, and that there is no server', async () => {
    expect((await runHere(['key', 'list', '--kubeconfig', '/nowhere'])).stderr).toMatch(/^matrx key: .*\/nowhere/);
    expect(await key('list', '--context', 'other')).toMatchObject({ code: 1, stderr: expect.stringMatching(/other/) });
    model.away();
    expect(await key('list')).toMatchObject({ code: 1, stderr: expect.stringMatching(/^matrx key: /) });
  });

  it('works as a program: the key on stdout, the rest on stderr, an exit code', async () => {
    const env = { KUBECONFIG: kubeconfig.path };
    const created = await runMatrx(['key', 'create', '--user', 'ann'], env);
    expect(created).toMatchObject({ code: 0, stdout: expect.stringMatching(/^mtx_[0-9a-f]{56}\n$/) });
    expect(await runMatrx(['key', 'revoke', '0000000000000000'], env)).toMatchObject({ code: 1, stdout: '' });
  });
});
