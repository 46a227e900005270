import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadClusterAccess } from '../../src/kube/load-cluster-access.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
});

afterEach(() => rm(folder, { recursive: true }));

const write = async (overrides: { readonly user?: object; readonly cluster?: object } = {}): Promise<string> => {
  const path = join(folder, 'config');
  await writeFile(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'one',
          cluster: { server: 'https://kube.example:6443/', 'certificate-authority': 'ca.pem', ...overrides.cluster },
        },
      ],
      users: [{ name: 'me', user: overrides.user ?? { token: 'secret' } }],
      contexts: [
        { name: 'here', context: { cluster: 'one', user: 'me', namespace: 'sandboxes' } },
        { name: 'elsewhere', context: { cluster: 'missing', user: 'me' } },
      ],
      'current-context': 'here',
    }),
  );
  return path;
};

describe('loadClusterAccess', () => {
  it('reads server, namespace, token and the CA beside the file', async () => {
    const access = loadClusterAccess({ kubeconfig: await write() });
    await writeFile(join(folder, 'ca.pem'), 'PEM');
    expect(access).toMatchObject({ server: 'https://kube.example:6443', namespace: 'sandboxes' });
    expect(await access.credentials()).toEqual({
      headers: { Authorization: 'Bearer secret' },
      tls: { ca: Buffer.from('PEM') },
    });
  });

  it('sees a client certificate that is replaced on disk', async () => {
    const files = { 'client-certificate': 'tls.crt', 'client-key': 'tls.key' };
    const access = loadClusterAccess({ kubeconfig: await write({ user: files }) });
    await writeFile(join(folder, 'ca.pem'), 'PEM');
    await writeFile(join(folder, 'tls.key'), 'KEY');
    await writeFile(join(folder, 'tls.crt'), 'OLD');
    expect((await access.credentials()).tls).toMatchObject({ cert: Buffer.from('OLD'), key: Buffer.from('KEY') });
    await writeFile(join(folder, 'tls.crt'), 'NEW');
    expect((await access.credentials()).tls.cert).toEqual(Buffer.from('NEW'));
  });

  it('turns user and password into a header, and passes on how to verify the server', async () => {
    const access = loadClusterAccess({
      kubeconfig: await write({
        user: { username: 'ann', password: 'pw' },
        cluster: { 'certificate-authority': undefined, 'insecure-skip-tls-verify': true, 'tls-server-name': 'kube' },
      }),
    });
    expect(await access.credentials()).toEqual({
      headers: { Authorization: `Basic ${Buffer.from('ann:pw').toString('base64')}` },
      tls: { rejectUnauthorized: false, servername: 'kube' },
    });
  });

  it('says which file, which context or which setting is wrong', async () => {
    expect(() => loadClusterAccess({ kubeconfig: join(folder, 'none') })).toThrow(
      `cannot read the kubeconfig ${join(folder, 'none')}`,
    );
    const path = await write();
    expect(() => loadClusterAccess({ kubeconfig: path, context: 'elsewhere' })).toThrow(
      'context "elsewhere" names no cluster of it: choose one of here, elsewhere',
    );
    const proxied = await write({ cluster: { 'proxy-url': 'http://proxy:3128' } });
    expect(() => loadClusterAccess({ kubeconfig: proxied })).toThrow('proxy-url is not supported');
  });
});
