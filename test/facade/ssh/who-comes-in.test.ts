import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ANNOTATION_LAST_ACTIVITY, ANNOTATION_SSH_KEYS } from '../../../src/api/names.ts';
import type { AccessKey } from '../../../src/facade/ssh/access-key.ts';
import { deriveHostKey, privateKeyPem, publicKeyLine } from '../../../src/facade/ssh/openssh-key.ts';
import { eventually } from '../../support/eventually.ts';
import { aSandbox } from '../../support/resources.ts';
import { FACADE_KEY } from '../support/facade.ts';
import { ready, stopped } from '../support/statuses.ts';
import { makeOpenSsh, type OpenProcess, type OpenSsh, runProgram } from './support/openssh.ts';
import { type Access, type SshFacade, startSshFacade, startSshReplica } from './support/ssh-facade.ts';

let ssh: SshFacade;
let access: Access;
let client: OpenSsh;

beforeEach(async () => {
  ssh = await startSshFacade();
  access = await ssh.access();
  client = makeOpenSsh(access);
});

const denied = { code: 255, stdout: '', stderr: expect.stringContaining('Permission denied (publickey)') };
const newKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
/** A command under way, whose client is there until the connection ends. */
const openOne = async (by: OpenSsh = client): Promise<OpenProcess> => {
  const one = by.open([by.address, 'echo open; cat']);
  await new Promise((resolve) => one.child.stdout.once('data', resolve));
  return one;
};
const changeKeys = (change: (keys: readonly AccessKey[]) => readonly AccessKey[]): void =>
  ssh.facade.cluster.change('demo', (sandbox) => {
    const keys = JSON.parse(sandbox.metadata.annotations?.[ANNOTATION_SSH_KEYS] ?? '[]') as readonly AccessKey[];
    const annotations = { ...sandbox.metadata.annotations, [ANNOTATION_SSH_KEYS]: JSON.stringify(change(keys)) };
    return { ...sandbox, metadata: { ...sandbox.metadata, annotations } };
  });
const revoke = async ({ id }: Access): Promise<void> => {
  expect((await ssh.facade.request(`/sandboxes/demo/access/${id}`, { method: 'DELETE' })).status).toBe(204);
};
const expireAt = (expiresAt: number): void =>
  changeKeys((keys) => keys.map((key) => ({ ...key, expiresAt: new Date(expiresAt).toISOString() })));

describe('a connection', () => {
  it('is use of its sandbox for as long as it is open', async () => {
    const usedAt = () => ssh.facade.cluster.get('demo')?.metadata.annotations?.[ANNOTATION_LAST_ACTIVITY];
    ssh.facade.cluster.change('demo', ({ spec, ...rest }) => ({
      ...rest,
      spec: { ...spec, lifetime: { ...spec.lifetime, idleSeconds: 60 } },
    }));
    const one = await openOne();
    const first = usedAt();
    expect(first).toBeDefined();
    await ssh.facade.clock.advance(60_000);
    expect(Date.parse(usedAt() ?? '') - Date.parse(first ?? '')).toBe(60_000);
    one.child.stdin.end();
    await one.ended;
    await eventually(() => ssh.gateway.connections() === 0);
    await ssh.facade.clock.advance(60_000);
    const last = usedAt();
    await ssh.facade.clock.advance(60_000);
    expect(usedAt()).toBe(last);
  });
});

describe('the gateway lets in', () => {
  it('nobody with another key', async () => {
    expect(await makeOpenSsh(access, { privateKey: privateKeyPem(newKey(), 'x') }).ssh(['true'])).toEqual(denied);
  });

  it('nobody by a password or by answers', async () => {
    for (const method of ['password', 'keyboard-interactive', 'hostbased']) {
      const options = ['-o', `PreferredAuthentications=${method}`, client.address, 'true'];
      expect(await client.open(options).ended).toMatchObject(denied);
    }
  });

  it('a made key as agent and by the name of its sandbox, and by no other', async () => {
    ssh.facade.cluster.add(aSandbox('other').status(ready('other')).build());
    expect(await makeOpenSsh(access, { username: 'demo' }).ssh(['echo in'])).toMatchObject({ code: 0, stdout: 'in\n' });
    for (const username of ['root', 'other', '', 'demo/../demo', '__proto__']) {
      const { code } = await makeOpenSsh(access, { username }).ssh(['true']);
      expect({ username, code }).toEqual({ username, code: 255 });
    }
  });

  it('a brought key by the name of the sandbox alone: elsewhere it may be the bait of somebody else', async () => {
    const key = newKey();
    const brought = await ssh.access({ public_key: publicKeyLine(key) });
    const privateKey = privateKeyPem(key, 'x');
    expect(await makeOpenSsh(brought, { privateKey }).ssh(['echo in'])).toMatchObject({ stdout: 'in\n' });
    expect(await makeOpenSsh(brought, { privateKey, username: 'agent' }).ssh(['true'])).toEqual(denied);
  });

  it('nobody with a key that has expired, or was taken back [T5]', async () => {
    expireAt(Date.now() - 1);
    expect(await client.ssh(['true'])).toEqual(denied);
    const second = await ssh.access();
    await revoke(second);
    expect(await makeOpenSsh(second).ssh(['true'])).toEqual(denied);
  });

  it('nobody who tries too many keys', async () => {
    const many = Array.from({ length: 25 }, () => makeOpenSsh(access, { privateKey: privateKeyPem(newKey(), 'x') }));
    const identities = many.flatMap(({ options }) => options.slice(options.indexOf('-i'), options.indexOf('-i') + 2));
    const { code } = await runProgram('ssh', [...identities, ...client.options, client.address, 'true']);
    expect(code).toBe(255);
    await ssh.facade.untilLogged(({ reason }) => reason === 'it tried too many keys');
  });

  it('with a line in the log that says who, and no key', async () => {
    await client.ssh(['true']);
    const { fingerprint, id } = access;
    const about = { sandbox_id: 'demo', user_id: 'ann', key_id: id, fingerprint, client_ip: '127.0.0.1' };
    const lines = ssh.facade.logged();
    expect(lines).toContainEqual(expect.objectContaining({ ...about, msg: 'SSH connection opened' }));
    expect(lines).toContainEqual(expect.objectContaining({ ...about, msg: 'SSH session', kind: 'exec' }));
    expect(JSON.stringify(lines)).not.toContain('ssh-ed25519 ');
  });
});

describe('an open connection ends', () => {
  it('when its key is taken back, and those of other keys go on [T5]', async () => {
    const other = await openOne(makeOpenSsh(await ssh.access()));
    const one = await openOne();
    await revoke(access);
    expect(await one.ended).toMatchObject({ code: 255 });
    other.child.stdin.end('still here');
    expect(await other.ended).toMatchObject({ code: 0, stdout: 'open\nstill here' });
  });

  it('when its key is taken back at another replica, which this one hears of by its watch', async () => {
    const one = await openOne();
    changeKeys(() => []);
    expect(await one.ended).toMatchObject({ code: 255 });
    await ssh.facade.untilLogged(({ reason }) => reason === 'the key was revoked');
  });

  it('when its key expires, and also when it was given less time meanwhile [T5]', async () => {
    const one = await openOne();
    expireAt(Date.now() + 200);
    expect(await one.ended).toMatchObject({ code: 255 });
    await ssh.facade.untilLogged(({ reason }) => reason === 'the key has expired');
  });

  it.each([
    ['is stopped', () => ssh.facade.cluster.setStatus('demo', stopped(true)), 'the sandbox has stopped'],
    ['runs anew', () => ssh.facade.cluster.setStatus('demo', ready('b', { podUid: 'b' })), 'the sandbox has stopped'],
    ['is gone', () => ssh.facade.cluster.remove('demo'), 'the sandbox is gone'],
  ])('when the sandbox %s', async (_what, act, why) => {
    const one = await openOne();
    act();
    expect(await one.ended).toMatchObject({ code: 255 });
    await ssh.facade.untilLogged(({ reason }) => reason === why);
  });

  it('when the gateway stops, after the time that it gives', async () => {
    const one = await openOne();
    await ssh.gateway.stop();
    expect(await one.ended).toMatchObject({ code: 255 });
  });
});

describe('the host key', () => {
  it('is that of the facade’s key: the same in every replica and after a restart', async () => {
    const replica = await startSshReplica(ssh);
    const there = await replica.access();
    const keyOf = ({ known_hosts }: Access): string | undefined => known_hosts.split(' ')[2];
    expect(keyOf(there)).toBe(keyOf(access));
    expect(await makeOpenSsh(there).ssh(['echo in'])).toMatchObject({ code: 0, stdout: 'in\n' });
    expect(publicKeyLine(deriveHostKey(FACADE_KEY))).not.toBe(publicKeyLine(FACADE_KEY));
  });

  it('is what tells another server from this one', async () => {
    const impostor = { ...access, known_hosts: `[127.0.0.1]:${access.port} ${publicKeyLine(newKey())}` };
    const { code, stderr } = await makeOpenSsh(impostor).ssh(['true']);
    expect({ code, stderr }).toEqual({ code: 255, stderr: expect.stringContaining('Host key verification failed') });
  });
});
