import type { Pod } from '../api/pod.ts';
import type { Nodes } from './node-loss.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';
import type { Workspace } from '../api/workspace.ts';
import type { UserQuota, UserUsage } from './user-quota.ts';

/** What every sandbox of this installation is told, from the controller's settings. */
export interface Installation {
  /** Where a sandbox reaches the facade. */
  readonly facadeUrl?: string;
  /** Public keys of the facades, as MATRX_SANDBOXD_KEYS takes them: whose access tokens sandboxd accepts. */
  readonly sandboxdKeys?: string;
  /** How long a node that is not Ready is waited for. */
  readonly nodeLostSeconds?: number;
  /** Whether the node drivers can mount cold storage. */
  readonly hasCold?: boolean;
  readonly userQuota?: UserQuota;
}

/**
 * All that a decision about one Sandbox rests on: a snapshot of caches, each of which may lag behind the API server
 * on its own. So `plan` may be wrong about the world, and every action it returns carries what it assumed.
 */
export interface Observed {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly sandbox: Sandbox;
  /** The one that `spec.templateRef` names. */
  readonly template: SandboxTemplate | undefined;
  /** The one that the sandbox's home follows from; always undefined for an ephemeral home. */
  readonly workspace: Workspace | undefined;
  /** The pod with the Sandbox's name, whoever owns it. */
  readonly pod: Pod | undefined;
  /** Every node of the cluster; undefined where nobody looks at nodes. */
  readonly nodes?: Nodes;
  readonly installation?: Installation;
  /** Of the sandbox's user; undefined where nothing is asked of it. */
  readonly usage?: UserUsage;
  /** Why the API server refused the pod a moment ago, in this very pass. */
  readonly refusal?: PodRefusal;
}

export interface PodRefusal {
  readonly reason: 'PodRefused' | 'PodNameTaken' | 'UserNamespacesUnavailable';
  /** The API server's own words, where it was its refusal. */
  readonly message: string;
}
