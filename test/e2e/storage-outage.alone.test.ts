import { afterAll, beforeAll, expect } from '@jest/globals';
import { type Condition, findCondition } from '../../src/api/condition.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { workspaceName } from '../../src/api/workspace-id.ts';
import { PODS, SANDBOXES } from '../../src/kube/resource-types.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { requireEnvironment } from '../support/e2e/environment.ts';
import { makeKubectl } from '../support/e2e/kubectl.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { plainAddress, setDriverSettings } from '../support/e2e-faults/driver-settings.ts';
import { SYSTEM_NAMESPACE } from '../support/e2e-faults/system-containers.ts';
import { type ProxyMode, startTcpFaultProxy, type TcpFaultProxy } from '../support/e2e-faults/tcp-fault-proxy.ts';
import { untilCommitted } from '../support/e2e-faults/until-committed.ts';
import { startWriter } from '../support/e2e-faults/writer.ts';

const kubectl = makeKubectl(new AbortController().signal);
let proxy: TcpFaultProxy;

beforeAll(async () => {
  proxy = await startTcpFaultProxy(plainAddress(requireEnvironment().AWS_ENDPOINT_URL_S3));
  await setDriverSettings(kubectl, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${proxy.port}`,
    // A pod's end waits so long for its home to be saved; no test wants to wait for that minute.
    MATRX_SAVE_WAIT_SECONDS: '3',
  });
}, 150_000);

afterAll(async () => {
  await setDriverSettings(kubectl, {});
  await proxy.close();
}, 150_000);

/** S3 is away, in this way, until `body` has ended or calls `heal`. */
const during = async (mode: ProxyMode, body: (heal: () => Promise<void>) => Promise<void>): Promise<void> => {
  const heal = (): Promise<void> => proxy.setMode('pass');
  await proxy.setMode(mode);
  try {
    await body(heal);
  } finally {
    await heal();
  }
};

scenario(
  'a start without S3 says so in the Sandbox, and becomes Ready by itself when S3 is back [F17]',
  240,
  async (cluster) => {
    const sandbox = aSandbox('no-s3');
    await during('refuse', async (heal) => {
      await cluster.create(sandbox);
      const waiting = await cluster.until(sandbox.name, 'it says that the storage is unreachable', (found) =>
        isStorageUnreachable(condition(found, 'WorkspaceRestored')),
      );
      expect(condition(waiting, 'WorkspaceRestored')?.message).toContain(cluster.environment.MATRX_S3_BUCKET);
      expect(condition(waiting, 'Ready')?.status).toBe('False');
      await heal();
      await cluster.ready(sandbox.name, 150_000);
    });
    await cluster.remove(sandbox.name);
  },
);

scenario(
  'a stop without S3 keeps the home on the node, says so, and saves it once S3 is back, whoever drives then',
  300,
  async (cluster) => {
    const sandbox = aSandbox('unsaved');
    const name = await cluster.start(sandbox);
    await during('hang', async (heal) => {
      await cluster.shell(name, 'echo precious > kept && mkdir folder && echo more > folder/kept');
      await cluster.kubectl.run(['delete', `sandbox/${name}`, '--wait=false']);
      const unsaved = await cluster.until(
        name,
        'its home is not saved, and why',
        (found) => isStorageUnreachable(condition(found, 'WorkspaceSaved')),
        150_000,
      );
      expect(condition(unsaved, 'WorkspaceSaved')?.message).toContain(cluster.environment.MATRX_S3_BUCKET);
      await cluster.objectUntil(PODS, name, 'the pod ends all the same', (pod) => pod === undefined, 200_000);
      expect(await cluster.kubectl.find(`sandbox/${name}`)).toBeDefined();
      expect(await readOnNode(cluster, sandbox.userId, 'kept')).toBe('precious\n');

      // The one that knows of it goes; another has to find the home on the disk.
      await cluster.kubectl.run(['-n', SYSTEM_NAMESPACE, 'delete', 'pod', '-lapp.kubernetes.io/name=matrx-node'], {
        deadlineMs: 100_000,
      });
      expect(await cluster.kubectl.find(`sandbox/${name}`)).toBeDefined();
      await heal();
      await cluster.objectUntil(SANDBOXES, name, 'it is saved and gone', (found) => found === undefined, 120_000);
    });

    const again = await cluster.start(sandbox.named(`${name}-again`));
    expect(await cluster.shell(again, 'cat kept folder/kept')).toBe('precious\nmore\n');
  },
);

scenario(
  'S3 gone while a sandbox writes: it goes on, unsaved changes are shown, and are committed when S3 is back [F17]',
  240,
  async (cluster) => {
    const sandbox = aSandbox('writes-on');
    const name = await cluster.start(sandbox);
    const writer = await startWriter(cluster, name);
    await untilCommitted(cluster, sandbox.userId, await writer.written());
    await during('reset', async (heal) => {
      await cluster.until(name, 'it is unsaved, and why', (found) =>
        isStorageUnreachable(condition(found, 'WorkspaceSaved')),
      );
      expect(condition(await present(cluster, name), 'Ready')?.status).toBe('True');
      const written = await writer.written();
      await heal();
      await untilCommitted(cluster, sandbox.userId, written);
    });
    await writer.stop();
    await cluster.remove(name);
  },
);

const condition = (sandbox: Sandbox, type: string): Condition | undefined =>
  findCondition(sandbox.status?.conditions, type);

const isStorageUnreachable = (found: Condition | undefined): boolean =>
  found?.status === 'False' && found.reason === 'StorageUnreachable';

const present = (cluster: Cluster, name: string): Promise<Sandbox> =>
  cluster.kubectl.json<Sandbox>(['get', 'sandbox', name]);

/** A file of the user's home where the node driver keeps it, read through the driver's own container. */
const readOnNode = (cluster: Cluster, userId: string, path: string): Promise<string> => {
  const homes = `/var/lib/matrx/homes/${workspaceName(userId)}`;
  const script = `
    const { globSync, readFileSync } = require('node:fs');
    for (const file of globSync(process.argv[1])) process.stdout.write(readFileSync(file));
  `;
  return cluster.kubectl.run([
    '-n',
    SYSTEM_NAMESPACE,
    'exec',
    'daemonset/matrx-node',
    '--',
    'node',
    '-e',
    script,
    `${homes}/*/home/${path}`,
  ]);
};
