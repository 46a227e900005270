import type { Step } from '../step.ts';

type CommandLine = readonly [string, ...string[]];

/** A cluster, whoever made it: how to bring it up, how to reach it and how images get into it. */
export interface Cluster {
  readonly steps: readonly Step[];
  /** The step after which the API answers and a node takes pods. */
  readonly ready: string;
  /** The step after which `ctr` works; undefined where that is from the start. */
  readonly runtime: string | undefined;
  /** The kubectl command line, before its arguments; it uses the kubeconfig of the state folder. */
  readonly kubectl: CommandLine;
  /** The `ctr` command line of the node's containerd; undefined where the nodes are not on this machine. */
  readonly ctr: CommandLine | undefined;
  /** The name servers that pods ask where the cluster has none of its own. */
  readonly resolvers?: () => Promise<readonly string[]>;
}
