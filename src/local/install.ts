import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { API_GROUP } from '../api/names.ts';
import { errorMessage } from '../base/errors.ts';
import { readBucket } from './bucket.ts';
import type { Cluster } from './cluster/cluster.ts';
import { isOnThisMachine, nodeAddresses } from './cluster/given.ts';
import { run } from './command.ts';
import type { ImageSteps } from './image-steps.ts';
import { kustomizationFiles, SYSTEM_NAMESPACE } from './kustomization.ts';
import type { Local } from './local.ts';
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

/** Applies the custom resource definitions and the manifests. Applying what is there already changes nothing. */
export const applyManifests = async (
  local: Local,
  cluster: Cluster,
  images: ImageSteps,
  context: StepContext,
): Promise<string> => {
  const bucket = await readBucket(local.paths);
  if (bucket === undefined) throw new Error('no bucket is known: the step that finds or makes it has not run');
  if (bucket.embedded && !isOnThisMachine(await nodeAddresses(local, cluster.kubectl))) {
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
    sandboxImage: images.nameOf('sandbox'),
    bucket,
    apiKey: await ensureApiKey(local),
  });
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content, { mode: 0o600 });

  const options = { env: local.env, log: context.log, onLine: context.report, signal: context.signal };
  const apply = (path: string): Promise<string> =>
    run(
      [
        ...cluster.kubectl,
        'apply',
        '--server-side',
        '--force-conflicts',
        `--field-manager=${FIELD_MANAGER}`,
        '-k',
        path,
      ],
      options,
    );
  await apply(join(local.project, 'crds'));
  const definitions = ['sandboxes', 'workspaces', 'sandboxtemplates'].map((plural) => `crd/${plural}.${API_GROUP}`);
  await run([...cluster.kubectl, 'wait', '--for=condition=Established', '--timeout=60s', ...definitions], options);
  const applied = await apply(folder);
  return `${applied.trim().split('\n').length} objects applied`;
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
