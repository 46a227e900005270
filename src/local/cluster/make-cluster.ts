import type { Local } from '../local.ts';
import type { ClusterChoice } from './choose.ts';
import type { Cluster } from './cluster.ts';
import { givenCluster } from './given.ts';
import { k3sCluster } from './k3s.ts';
import { kubernetesCluster } from './kubernetes.ts';

export const makeCluster = async (local: Local, choice: ClusterChoice): Promise<Cluster> => {
  if (choice.kind === 'modules') return kubernetesCluster(local);
  if (choice.kind === 'given' || choice.kind === 'k3s-running') return givenCluster(local, choice);
  return k3sCluster(local, choice.program ?? 'k3s');
};
