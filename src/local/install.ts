import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { API_GROUP } from '../api/names.ts';
import { errorMessage } from '../base/errors.ts';
import { formatPublicKey } from '../sandboxd/protocol/access-token.ts';
import { readBucket, type BucketRecord } from './bucket.ts';
import type { Cluster } from './cluster/cluster.ts';
import { isOnThisMachine, nodeAddresses } from './cluster/given.ts';
import { run } from './command.ts';
import { goVersion } from './go-build.ts';
import type { ImageSteps } from './image-steps.ts';
import { type FacadeIdentity, kustomizationFiles, type SandboxNetwork, SYSTEM_NAMESPACE } from './kustomization.ts';
import type { Local } from './local.ts';
import { closedAddresses, type EgressPolicy, INTERNET_POLICY } from './sandbox-network.ts';
import type { StepContext } from './step.ts';

/** What is waited for, in the order in which it becomes ready. */
const WORKLOADS = ['daemonset/matrx-node', 'deployment/matrx-controller', 'deployment/matrx-facade'] as const;
const ROLLOUT_TIMEOUT_S = 180;
const FIELD_MANAGER = 'matrx-up';

/** The key that the facade asks for: made once and kept. */
export const ensureApiKey = async (local: Local): Promise<string> => {
  const path = join(local.paths.state, 'api-key');
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  if (kept !== undefined) return kept.trim();
  const key = `matrx-${local.random.hex(24)}`;
  await writeFile(path, `${key}\n`, { mode: 0o600 });
  return key;
};

const applyCommand = ({ kubectl }: Cluster) =>
  [...kubectl, 'apply', '--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`] as const;

/** The key pair that the sandboxes' daemons know the facade by: made once and kept. */
const ensureFacadeKey = async (local: Local): Promise<Pick<FacadeIdentity, 'privateKey' | 'publicKey'>> => {
  const path = join(local.paths.state, 'facade-key');
  const kept = await readFile(path, 'utf8').catch(() => undefined);
  const privateKey =
    kept?.trim() ??
    generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
  if (kept === undefined) await writeFile(path, `${privateKey}\n`, { mode: 0o600 });
  const key = createPublicKey(
    createPrivateKey({ key: Buffer.from(privateKey, 'base64'), format: 'der', type: 'pkcs8' }),
  );
  return { privateKey, publicKey: formatPublicKey(key) };
};

/**
 * The facade's Service comes before everything else, because sandboxes are told its address: a name needs a DNS server,
 * which a cluster of Kubernetes' own programs does not have. Resolves with the URL.
 */
const ensureFacadeService = async (local: Local, cluster: Cluster, context: StepContext): Promise<string> => {
  const options = { env: local.env, log: context.log, signal: context.signal };
  const base = join(local.project, 'manifests/base');
  const documents = parseAllDocuments(await readFile(join(base, 'facade.yaml'), 'utf8')).map(
    (document) => document.toJS() as { readonly kind: string },
  );
  const service = documents.find(({ kind }) => kind === 'Service');
  await run([...applyCommand(cluster), '-f', join(base, 'namespaces.yaml')], options);
  await run([...applyCommand(cluster), '-f', '-'], { ...options, input: JSON.stringify(service) });
  const address = ['get', 'service', 'matrx-facade', '-o', 'jsonpath={.spec.clusterIP}'];
  return `http://${await run([...cluster.kubectl, '-n', SYSTEM_NAMESPACE, ...address], options)}`;
};

/** A node on this machine listens on every address of the machine. */
const sandboxNetwork = async (local: Local, cluster: Cluster, nodes: readonly string[]): Promise<SandboxNetwork> => {
  const text = await readFile(join(local.project, 'manifests/base/network-policy.yaml'), 'utf8');
  const policies = parseAllDocuments(text).map((document) => document.toJS() as EgressPolicy);
  const internet = policies.find(({ metadata }) => metadata.name === INTERNET_POLICY);
  if (internet === undefined) throw new Error(`manifests/base/network-policy.yaml: there is no ${INTERNET_POLICY}`);
  const own = isOnThisMachine(nodes)
    ? Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address))
    : [];
  return {
    closed: closedAddresses(internet, [...nodes, ...own].toSorted()),
    resolvers: (await cluster.resolvers?.()) ?? [],
  };
};

/** Applies the custom resource definitions and the manifests. Applying what is there already changes nothing. */
export const applyManifests = async (
  local: Local,
  cluster: Cluster,
  images: ImageSteps,
  context: StepContext,
): Promise<string> => {
  const bucket = await readBucket(local.paths);
  if (bucket === undefined) throw new Error('no bucket is known: the step that finds or makes it has not run');
  const nodes = await nodeAddresses(local, cluster.kubectl);
  if (bucket.embedded && !isOnThisMachine(nodes)) {
    throw new Error(
      'the nodes of this cluster are not on this machine and cannot reach an S3 server that runs here: set MATRX_S3_BUCKET, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_ENDPOINT_URL_S3 for a server other than AWS)',
    );
  }
  const folder = local.paths.install;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await copyFile(join(local.project, 'manifests/base/image-fields.yaml'), join(folder, 'image-fields.yaml'));
  const files = kustomizationFiles({
    folder,
    manifests: join(local.project, 'manifests/overlays/dev'),
    productImage: images.nameOf('product'),
    sandboxImage: images.nameOf(local.settings.sandboxVariant),
    bucket,
    cold: { ...(await coldOf(local, bucket)), ...local.settings.cold },
    apiKey: await ensureApiKey(local),
    facade: { ...(await ensureFacadeKey(local)), url: await ensureFacadeService(local, cluster, context) },
    network: await sandboxNetwork(local, cluster, nodes),
  });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });

  const options = { env: local.env, log: context.log, onLine: context.report, signal: context.signal };
  const apply = (path: string): Promise<string> => run([...applyCommand(cluster), '-k', path], options);
  await apply(join(local.project, 'crds'));
  const definitions = ['sandboxes', 'workspaces', 'sandboxtemplates'].map((plural) => `crd/${plural}.${API_GROUP}`);
  await run([...cluster.kubectl, 'wait', '--for=condition=Established', '--timeout=60s', ...definitions], options);
  const applied = await apply(folder);
  return `${applied.trim().split('\n').length} objects applied`;
};

/**
 * The server of our own has users for `accounts`; of a bucket that was given only a person knows what isolates its users.
 * Where there is no Go, the image has nothing to mount with (rclone-file.ts).
 */
const coldOf = async ({ env }: Local, { iam }: BucketRecord): Promise<Readonly<Record<string, string>>> => {
  const canMount = await goVersion(env).then(
    () => true,
    () => false,
  );
  return {
    MATRX_COLD_PROVIDER: iam !== undefined && canMount ? 'accounts' : 'off',
    ...(iam === undefined ? {} : { MATRX_COLD_IAM_URL: iam }),
  };
};

/** Waits until every pod of the product runs the applied version and is ready. */
export const waitForRollouts = async (local: Local, cluster: Cluster, context: StepContext): Promise<string> => {
  const { kubectl } = cluster;
  try {
    for (const workload of WORKLOADS) {
      context.report(workload);
      await run(
        [...kubectl, '-n', SYSTEM_NAMESPACE, 'rollout', 'status', workload, `--timeout=${ROLLOUT_TIMEOUT_S}s`],
        { env: local.env, log: context.log, onLine: context.report, signal: context.signal },
      );
    }
  } catch (error) {
    throw new Error(`${errorMessage(error)}\n${await diagnose(local, kubectl)}`, { cause: error });
  }
  return WORKLOADS.map((workload) => workload.split('/')[1]).join(', ');
};

/** What a person would look at next: the pods, and the last words of those that are not ready. */
const diagnose = async (local: Local, kubectl: Cluster['kubectl']): Promise<string> => {
  const ask = (...args: string[]): Promise<string> =>
    run([...kubectl, '-n', SYSTEM_NAMESPACE, ...args], { env: local.env, timeoutMs: 20_000 }).catch(errorMessage);
  const unready = '{range .items[*]}{.metadata.name} {.status.containerStatuses[*].ready}{"\\n"}{end}';
  const pods = (await ask('get', 'pods', '-o', `jsonpath=${unready}`))
    .split('\n')
    .filter((line) => line.endsWith('false'));
  const logs = await Promise.all(
    pods.map(async (line) => {
      const [name = ''] = line.split(' ');
      return `--- ${name}\n${await ask('logs', '--tail=5', name)}`;
    }),
  );
  return [await ask('get', 'pods', '-o', 'wide'), ...logs].join('\n').trim();
};
