import { afterDownload, chooseCluster, type ClusterChoice } from './cluster/choose.ts';
import type { Cluster } from './cluster/cluster.ts';
import { clusterFacts, writeChoice } from './cluster/facts.ts';
import { fetchK3s } from './cluster/k3s-release.ts';
import { makeCluster } from './cluster/make-cluster.ts';
import { localVariables, writeUrl } from './environment.ts';
import { openFacade } from './facade-url.ts';
import { answerFromSandbox, FIRST_SANDBOX } from './first-sandbox.ts';
import { imageStepName, imageSteps } from './image-steps.ts';
import { pruneProductImages } from './images.ts';
import { applyManifests, ensureApiKey, waitForRollouts } from './install.ts';
import type { Local } from './local.ts';
import { formatElapsed, runSteps } from './run-steps.ts';
import { ensureBucket } from './s3-server.ts';
import { step, type Step } from './step.ts';

/** Brings everything up, or what is missing of it; resolves with whether all of it stands. */
export const up = async (local: Local, print: (line: string) => void): Promise<boolean> => {
  const started = local.clock.monotonic();
  const deps = { clock: local.clock, print, logs: local.paths.logs };
  let choice: ClusterChoice | undefined;
  const choosing = step(
    'which cluster',
    [],
    async (context) => {
      choice = await choose(local, context.report);
      return `${CLUSTER_NAMES[choice.kind]}: ${choice.why}`;
    },
    'set KUBECONFIG to a cluster of yours, or run this as root on Linux',
  );
  if (!(await runSteps([choosing], deps)) || choice === undefined) return false;
  const cluster = await makeCluster(local, choice);
  if (!(await runSteps(installationSteps(local, cluster), deps))) return false;
  for (const line of await farewell(local, formatElapsed(local.clock.monotonic() - started).trim())) print(line);
  return true;
};

const CLUSTER_NAMES: Readonly<Record<ClusterChoice['kind'], string>> = {
  given: 'yours',
  'k3s-running': 'the k3s of this machine',
  k3s: 'k3s',
  'k3s-download': 'k3s',
  modules: 'Kubernetes built from its Go modules',
};

const choose = async (local: Local, report: (text: string) => void): Promise<ClusterChoice> => {
  const decision = chooseCluster(await clusterFacts(local));
  if (decision.kind === 'impossible') throw new Error(decision.message);
  let choice: ClusterChoice;
  if (decision.kind === 'chosen') choice = decision.choice;
  else {
    report('looking for the k3s release');
    choice = afterDownload(decision.otherwise, await fetchK3s(local.paths.cache));
  }
  await writeChoice(local, choice);
  return choice;
};

const BUCKET_STEP = 'S3 bucket';

const runtimeOf = ({ runtime }: Cluster): readonly string[] => (runtime === undefined ? [] : [runtime]);

/** All that follows once the cluster is chosen. */
const installationSteps = (local: Local, cluster: Cluster): readonly Step[] => {
  const { sandboxVariant } = local.settings;
  const images = imageSteps(local, { kinds: [sandboxVariant, 'product'], cluster, needs: runtimeOf(cluster) });
  let url = '';
  return [
    ...cluster.steps,
    step(
      BUCKET_STEP,
      // Two compilers at once only slow each other down: the cluster's comes first, more waits for it.
      cluster.steps.filter(({ name }) => name.endsWith('programs')).map(({ name }) => name),
      (context) => ensureBucket(local, context),
      'set MATRX_S3_BUCKET and AWS credentials to use a bucket of yours; an embedded server needs Go on PATH',
    ),
    ...images.steps,
    step(
      'manifests',
      [cluster.ready, BUCKET_STEP, imageStepName('product'), imageStepName(sandboxVariant)],
      (context) => applyManifests(local, cluster, images, context),
      'the API server says above what it refused',
    ),
    step(
      'product',
      ['manifests'],
      async (context) => {
        const result = await waitForRollouts(local, cluster, context);
        const isLoaded = cluster.ctr !== undefined && local.settings.images.product === undefined;
        if (isLoaded) await pruneProductImages(local, cluster.ctr, images.nameOf('product'), context.log);
        return result;
      },
      'see the pods and their last words above; the node driver names what it misses on the bucket',
    ),
    step(
      'facade',
      ['product'],
      async (context) => {
        url = await openFacade(local, cluster, context);
        await writeUrl(local, url);
        return url;
      },
      'see `kubectl -n matrx-system logs deployment/matrx-facade`',
    ),
    step(
      'first sandbox',
      ['facade'],
      (context) => answerFromSandbox(local, cluster, url, context),
      `see its conditions and events: \`kubectl -n sandboxes describe sbx/${FIRST_SANDBOX}\``,
    ),
  ];
};

const farewell = async (local: Local, elapsed: string): Promise<readonly string[]> => {
  const { MATRX_URL } = await localVariables(local);
  return [
    '',
    `Everything stands after ${elapsed}.`,
    `  facade   ${MATRX_URL}`,
    `  API key  ${await ensureApiKey(local)}`,
    '',
    'Try:',
    '  eval "$(make -s env)"',
    `  kubectl exec -it ${FIRST_SANDBOX} -- bash`,
    `  curl -H "X-API-Key: $MATRX_API_KEY" "$MATRX_URL/sandboxes"`,
  ];
};
