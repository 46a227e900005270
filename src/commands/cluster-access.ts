import { errorMessage } from '../base/errors.ts';
import { ConfigError } from '../config/load.ts';
import type { ClusterAccess } from '../kube/cluster-access.ts';
import { loadClusterAccess } from '../kube/load-cluster-access.ts';

/** The cluster that a person's options name. Throws a ConfigError where they name none. */
export const clusterAccess = (options: { readonly kubeconfig?: string; readonly context?: string }): ClusterAccess => {
  try {
    return loadClusterAccess({ kubeconfig: options.kubeconfig, context: options.context });
  } catch (error) {
    throw new ConfigError(errorMessage(error));
  }
};
