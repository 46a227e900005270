import { afterEach, describe, expect } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { STORAGE_CONFIG_MAP } from '../../src/api/names.ts';
import { runCommand } from '../support/e2e/command.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { type ProductProcess, startProduct } from '../support/e2e-faults/product-process.ts';

const MISSING_BUCKET = 'matrx-no-such-bucket';

const CASES = [
  {
    what: 'a bucket that does not exist',
    settings: () => ({ MATRX_S3_BUCKET: MISSING_BUCKET }),
    bucket: () => MISSING_BUCKET,
    says: 'NoSuchBucket',
  },
  {
    what: 'credentials that S3 does not accept',
    settings: () => ({ AWS_SECRET_ACCESS_KEY: 'this-is-not-the-secret' }),
    bucket: ({ environment }: Cluster) => environment.MATRX_S3_BUCKET,
    says: 'HTTP 403',
  },
] as const;

const running: ProductProcess[] = [];
const folders: string[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((process) => process.stop()));
  await Promise.all(folders.splice(0).map(removeInstallation));
});

describe.each(CASES)('started with $what', ({ settings, bucket, says }) => {
  scenario(
    'node driver and controller name the bucket and the permission, and do not become ready [A3.1]',
    150,
    async (cluster) => {
      const env = { ...(await scratchInstallation(cluster)), ...settings() };
      const names = (body: string): boolean => body.includes(bucket(cluster)) && body.includes('s3:');

      const node = await startProduct('node', env, cluster.signal);
      running.push(node);
      const unready = await node.readinessUntil(
        'the node driver names bucket and permission',
        ({ status, body }) => status === 503 && names(body),
      );
      expect(unready.body).toContain(says);

      const controller = await startProduct('controller', env, cluster.signal);
      running.push(controller);
      await controller.readinessUntil(
        'the controller names bucket and permission',
        ({ status, body }) => status === 503 && names(body),
      );
      expect(names(controller.log())).toBe(true);
    },
  );
});

scenario(
  'a controller that no node driver has told of a usable bucket yet says that, and is not ready',
  90,
  async (cluster) => {
    const controller = await startProduct('controller', await scratchInstallation(cluster), cluster.signal);
    running.push(controller);
    const unready = await controller.readinessUntil('the controller is not ready', ({ status }) => status === 503);
    expect(unready.body).toContain('node driver');
  },
);

/** A driver that stops leaves its mounts, because sandboxes go on using them. */
const removeInstallation = async (folder: string): Promise<void> => {
  await runCommand('umount', [join(folder, 'matrx', 'homes')], { deadlineMs: 10_000 });
  await rm(folder, { recursive: true, force: true });
};

/**
 * Namespaces, storage report and folders of its own: the processes see the real API server and the real S3, and
 * nothing of the installation beside them.
 */
const scratchInstallation = async (cluster: Cluster): Promise<Readonly<Record<string, string>>> => {
  const namespace = uniqueName('misconfigured');
  cluster.own(`namespace/${namespace}`);
  await cluster.kubectl.create(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: STORAGE_CONFIG_MAP, namespace } },
  );
  const folder = await mkdtemp(join(tmpdir(), 'matrx-misconfigured-'));
  folders.push(folder);
  return {
    MATRX_NAMESPACE: namespace,
    MATRX_SYSTEM_NAMESPACE: namespace,
    POD_NAME: namespace,
    NODE_NAME: 'a-node-of-its-own',
    MATRX_STATE_DIR: join(folder, 'matrx'),
    KUBELET_DIR: join(folder, 'kubelet'),
  };
};
