import type { ClusterChoice } from './choose.ts';

/** A cluster that answers, whoever made it: how to reach it and how to bring images into it. */
export interface Cluster {
  readonly choice: ClusterChoice;
  readonly kubeconfig: string;
  /** The kubectl command line, before its arguments. */
  readonly kubectl: readonly [string, ...string[]];
  /** The `ctr` command line of the node's containerd; undefined where the nodes are not on this machine. */
  readonly ctr: readonly [string, ...string[]] | undefined;
}
