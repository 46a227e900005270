// Runs in a machine and makes it the second node of the cluster whose certificates and kubeconfigs lie in its state
// folder. Again after the machine was switched off: it starts what does not run.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeCertificates } from '../../../src/local/cluster/certificate-plan.ts';
import { issueCertificates } from '../../../src/local/cluster/certificates.ts';
import { clientKubeconfig } from '../../../src/local/cluster/kubeconfig.ts';
import { kubernetesCluster } from '../../../src/local/cluster/kubernetes.ts';
import { kubernetesFolders } from '../../../src/local/cluster/kubernetes-folders.ts';
import { startNode } from '../../../src/local/cluster/start-node.ts';
import { openLocal } from '../../../src/local/open-local.ts';
import { runSteps } from '../../../src/local/run-steps.ts';
import { step } from '../../../src/local/step.ts';
import { SECOND_NODE } from './second-node.ts';

const local = { ...openLocal(), node: SECOND_NODE };
const { certificates } = local.paths;
const identity = step(
  'identity',
  [],
  async ({ log }) => {
    await issueCertificates(certificates, nodeCertificates(local.node), log);
    const kubeconfig = join(kubernetesFolders(local).configuration, 'kubelet.kubeconfig');
    await writeFile(kubeconfig, await clientKubeconfig(certificates, 'kubelet'), { mode: 0o600 });
    return local.node.name;
  },
  'the keys of the cluster have to lie in the state folder',
);
const cluster = kubernetesCluster(local);
const [packages, programs, runtime] = cluster.steps;
if (packages === undefined || programs === undefined || runtime === undefined) throw new Error('a cluster has steps');
const node = step(
  cluster.ready,
  [identity.name, programs.name, runtime.name],
  (context) => startNode(local, context),
  'see the logs in the state folder',
);
const succeeded = await runSteps([packages, programs, runtime, identity, node], {
  clock: local.clock,
  print: (line) => void process.stderr.write(`${line}\n`),
  logs: local.paths.logs,
});
process.exitCode = succeeded ? 0 : 1;
