import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { makeUnknownClients } from '../../../src/facade/ssh/unknown-clients.ts';
import { makeOpenSsh, type OpenProcess } from './support/openssh.ts';
import { type SshFacade, startSshFacade } from './support/ssh-facade.ts';

let ssh: SshFacade;

beforeEach(async () => {
  ssh = await startSshFacade();
});

/** A client that says nothing at all. */
const openSilent = async (from: string): Promise<Socket> => {
  const socket = connect({ host: '127.0.0.1', port: ssh.port, localAddress: from });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
};

describe('one address could hold all the places of clients that are not known yet; now', () => {
  it('it has ten, and others come in meanwhile', async () => {
    const silent: Socket[] = [];
    for (let n = 0; n < 10; n++) silent.push(await openSilent('127.0.0.1'));
    await eventually(() => ssh.gateway.connections() === 10);
    const refused = await openSilent('127.0.0.1');
    await once(refused.resume(), 'close');
    expect(await ssh.facade.untilLogged(({ msg }) => msg === 'SSH connection refused')).toMatchObject({
      client_ip: '127.0.0.1',
      unknown: 10,
    });

    const client = makeOpenSsh(await ssh.access());
    const there = ['-b', '127.0.0.2', client.address, 'echo in'];
    expect(await client.open(there).ended).toMatchObject({ code: 0, stdout: 'in\n' });

    silent[0]?.destroy();
    await eventually(() => ssh.gateway.connections() === 9);
    expect(await client.ssh(['echo in'])).toMatchObject({ code: 0, stdout: 'in\n' });
    for (const socket of silent) socket.destroy();
  });

  it('who is known holds no place', async () => {
    const client = makeOpenSsh(await ssh.access());
    const open: OpenProcess[] = [];
    for (let n = 0; n < 12; n++) {
      const one = client.open([client.address, 'echo open; cat']);
      open.push(one);
      await once(one.child.stdout, 'data');
    }
    expect(ssh.gateway.connections()).toBe(12);
    for (const one of open) one.child.stdin.end();
    for (const one of open) expect(await one.ended).toMatchObject({ code: 0 });
  });
});

describe('the places', () => {
  it('are those of a /64 for IPv6, and of an IPv4 address however it is written', () => {
    const places = makeUnknownClients();
    for (let n = 0; n < 10; n++) expect(places.take(`2001:db8::${n}`)).toBeDefined();
    expect(places.take('2001:db8:0:0:1::1')).toBeUndefined();
    expect(places.take('2001:db8:0:1::1')).toBeDefined();
    for (let n = 0; n < 10; n++) expect(places.take('::ffff:192.0.2.1')).toBeDefined();
    expect(places.take('192.0.2.1')).toBeUndefined();
    expect(places.take('::ffff:192.0.2.2')).toBeDefined();
  });

  it('are a hundred in all, and one that is given back twice is one', () => {
    const places = makeUnknownClients();
    const given = Array.from({ length: 101 }, (_, n) => places.take(`192.0.2.${n}`));
    expect(given.filter((one) => one !== undefined)).toHaveLength(100);
    given[0]?.();
    given[0]?.();
    expect(places.count()).toBe(99);
    expect(places.take('198.51.100.1')).toBeDefined();
    expect(places.take('198.51.100.2')).toBeUndefined();
  });
});
