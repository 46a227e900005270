import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ANNOTATION_SSH_KEYS } from '../../../src/api/names.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { firstOf, staticKeyAuthenticator } from '../../../src/facade/authenticator.ts';
import { keyAuthenticator } from '../../../src/facade/keys/key-authenticator.ts';
import { type AccessKey, MAX_ACCESS_KEYS } from '../../../src/facade/ssh/access-key.ts';
import { publicKeyLine } from '../../../src/facade/ssh/openssh-key.ts';
import { API_KEY } from '../support/facade.ts';
import { entry, testKey } from '../support/key-records.ts';
import { makeTestKeyRing } from '../support/key-ring.ts';
import { makeOpenSsh, type OpenProcess } from './support/openssh.ts';
import { type Access, type SshFacade, startSshFacade } from './support/ssh-facade.ts';

const PATH = '/sandboxes/demo/access';
const BOTH = { ...entry(1), ...entry(2) };
const denied = { code: 255, stderr: expect.stringContaining('Permission denied (publickey)') };

let ssh: SshFacade;
let keys: ReturnType<typeof makeTestKeyRing>;

beforeEach(async () => {
  keys = makeTestKeyRing(BOTH);
  const authenticator = firstOf([keyAuthenticator(keys.ring, systemClock), staticKeyAuthenticator(API_KEY)]);
  ssh = await startSshFacade({ authenticator, keyRing: keys.ring });
});

/** Gives out an SSH key to whoever has the API key `n`. */
const give = async (n: number, body?: object): Promise<Access> => {
  const headers = { 'X-API-Key': testKey(n).text };
  const answer = await ssh.facade.request(PATH, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
  expect(answer).toMatchObject({ status: 200 });
  return answer.body as Access;
};
const open = async (access: Access): Promise<OpenProcess> => {
  const client = makeOpenSsh(access);
  const one = client.open([client.address, 'echo open; cat']);
  await once(one.child.stdout, 'data');
  return one;
};
const enters = (access: Access) => makeOpenSsh(access).ssh(['echo in']);
const records = (): readonly AccessKey[] =>
  JSON.parse(ssh.facade.cluster.get('demo')?.metadata.annotations?.[ANNOTATION_SSH_KEYS] ?? '[]') as AccessKey[];
const listed = async (): Promise<readonly string[]> =>
  ((await ssh.facade.request(PATH)).body as { readonly keys: readonly Access[] }).keys.map(({ id }) => id);

describe('what a revoked API key had given out went on to open the sandbox; now', () => {
  it('the SSH keys are refused, what they had open ends, and those of others go on', async () => {
    const [first, second, configured] = [await give(1), await give(2), await ssh.access()];
    expect(records().map(({ apiKey }) => apiKey)).toEqual([testKey(1).id, testKey(2).id, undefined]);
    const [ofFirst, ofSecond] = [await open(first), await open(second)];
    keys.write(entry(2));
    expect(await ofFirst.ended).toMatchObject({ code: 255 });
    await ssh.facade.untilLogged(({ reason }) => reason === 'the API key behind it no longer stands');
    expect(await enters(first)).toMatchObject(denied);
    expect(await enters(configured)).toMatchObject({ code: 0, stdout: 'in\n' });
    expect(await listed()).toEqual([second.id, configured.id]);
    ofSecond.child.stdin.end('still here');
    expect(await ofSecond.ended).toMatchObject({ code: 0, stdout: 'open\nstill here' });
  });

  it.each([
    ['may not run commands any more', { scopes: ['files'] }],
    ["may not act for the sandbox's user any more", { users: ['bob'] }],
    ['has expired', { expiresAt: '2026-01-01T00:00:00Z' }],
  ] as const)('nor do they open it when the API key %s', async (_what, change) => {
    const access = await give(1);
    const one = await open(access);
    keys.write(entry(1, { ...change } as Parameters<typeof entry>[1]));
    expect(await one.ended).toMatchObject({ code: 255 });
    expect(await enters(access)).toMatchObject(denied);
  });

  it('an open connection ends when the API key expires', async () => {
    const one = await open(await give(1));
    keys.write(entry(1, { expiresAt: new Date(Date.now() + 300).toISOString() }));
    expect(await one.ended).toMatchObject({ code: 255 });
  });

  it('an API key that is rotated, or may do more, changes nothing', async () => {
    const access = await give(1);
    const one = await open(access);
    keys.write({ ...entry(1, { name: 'renamed', limits: { concurrent_sandboxes: 5 } }), ...entry(3) });
    expect(await enters(access)).toMatchObject({ code: 0 });
    one.child.stdin.end();
    expect(await one.ended).toMatchObject({ code: 0 });
  });
});

it('a record of before names no API key, and is honoured as it was', async () => {
  const access = await give(1);
  ssh.facade.cluster.change('demo', (sandbox) => {
    const before = records().map(({ apiKey: _apiKey, ...rest }) => rest);
    const annotations = { ...sandbox.metadata.annotations, [ANNOTATION_SSH_KEYS]: JSON.stringify(before) };
    return { ...sandbox, metadata: { ...sandbox.metadata, annotations } };
  });
  keys.write({});
  expect(await enters(access)).toMatchObject({ code: 0, stdout: 'in\n' });
});

it('a key of one’s own that another API key asks for again has that one behind it', async () => {
  const public_key = publicKeyLine(generateKeyPairSync('ed25519').privateKey);
  const [first, again] = [await give(1, { public_key }), await give(2, { public_key })];
  expect(again.id).toBe(first.id);
  expect(records().map(({ apiKey }) => apiKey)).toEqual([testKey(2).id]);
});

it('SSH keys of a revoked API key make room for others, and can be taken back', async () => {
  const first = await give(1);
  for (let n = 1; n < MAX_ACCESS_KEYS; n++) await give(1);
  keys.write(entry(2));
  expect((await ssh.facade.request(`${PATH}/${first.id}`, { method: 'DELETE' })).status).toBe(204);
  const second = await give(2);
  // There was room: another replica may not have heard yet of an API key that is new.
  expect(records()).toHaveLength(MAX_ACCESS_KEYS);
  const third = await give(2);
  expect(records().map(({ id }) => id)).toEqual([second.id, third.id]);
});
