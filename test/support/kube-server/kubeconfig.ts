import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A kubeconfig for a server of a test, as a file. */
export interface Kubeconfig {
  readonly path: string;
  readonly remove: () => Promise<void>;
}

export const writeKubeconfig = async (server: string): Promise<Kubeconfig> => {
  const folder = await mkdtemp(join(tmpdir(), 'matrx-kubeconfig-'));
  const path = join(folder, 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token: 'of-a-test' } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
  await writeFile(path, JSON.stringify(config));
  return { path, remove: () => rm(folder, { recursive: true }) };
};
