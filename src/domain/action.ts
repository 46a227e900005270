import type { Condition } from '../api/condition.ts';
import type { NetworkPolicy } from '../api/network-policy.ts';
import type { Pod } from '../api/pod.ts';
import type { SandboxStatus } from '../api/sandbox.ts';
import type { Workspace, WorkspaceWriter } from '../api/workspace.ts';
import type { WorkspaceConflict } from '../api/workspace-conflict.ts';

/** The very object that was seen: a write to it is refused when it has changed since. */
export interface Seen {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/**
 * Something a destructive action rests on that its own precondition does not cover. It is asked of the API server,
 * not of a cache, right before the action; if it is not so, the observation was stale and nothing is done.
 */
export type Assumption =
  | { readonly kind: 'workspaceUnchanged'; readonly workspace: Seen }
  | { readonly kind: 'workspaceAbsent'; readonly name: string }
  | { readonly kind: 'sandboxSpecUnchanged'; readonly name: string; readonly uid: string; readonly generation: number }
  | { readonly kind: 'sandboxUnchanged'; readonly sandbox: Seen }
  | { readonly kind: 'sandboxGone'; readonly name: string; readonly uid: string }
  /** The node is gone, or is not Ready: neither its kubelet nor its driver can be waited for. */
  | { readonly kind: 'nodeLost'; readonly node: string }
  /** There is no pod of this name, or another than this Sandbox owns it. */
  | { readonly kind: 'noPodOf'; readonly podName: string; readonly sandboxUid: string };

/** One thing to do, as data. Carried out in order; the first that fails ends the pass. */
export type Action =
  | { readonly kind: 'addSandboxFinalizer'; readonly sandbox: Seen; readonly finalizers: readonly string[] }
  | {
      readonly kind: 'removeSandboxFinalizer';
      readonly sandbox: Seen;
      readonly finalizers: readonly string[];
      readonly assuming: readonly Assumption[];
    }
  /** The record of a finished sandbox; its finalizer still sees to it that nothing unsaved goes with it. */
  | { readonly kind: 'deleteSandbox'; readonly sandbox: Seen; readonly assuming: readonly Assumption[] }
  | { readonly kind: 'createWorkspace'; readonly workspace: Workspace }
  | { readonly kind: 'acquireWriter'; readonly workspace: Seen; readonly writer: WorkspaceWriter }
  | {
      readonly kind: 'releaseWriter';
      readonly workspace: Seen;
      readonly epoch: number;
      /** All of status.conflicts, where the release itself adds one: written with it, so that neither is ever without the other. */
      readonly conflicts?: readonly WorkspaceConflict[];
      readonly assuming: readonly Assumption[];
    }
  /** Asks the node drivers to delete everything that the workspace has in the bucket. */
  | { readonly kind: 'requestPurge'; readonly workspace: Seen }
  /** One of that name says the same. */
  | { readonly kind: 'createNetworkPolicy'; readonly policy: NetworkPolicy }
  | { readonly kind: 'createPod'; readonly pod: Pod }
  | {
      readonly kind: 'deletePod';
      readonly name: string;
      readonly uid: string;
      /** Of a pod that stands still: by the time of another version it may run. */
      readonly resourceVersion?: string;
      /** Seconds until SIGKILL in place of the pod's own, at least 1: 0 would forget the pod before it has ended. */
      readonly graceSeconds?: number;
      /** Of a node that is lost: nobody is there to end it, and its object goes at once. */
      readonly forget?: true;
      readonly assuming: readonly Assumption[];
    }
  | { readonly kind: 'writeSandboxStatus'; readonly sandbox: Seen; readonly status: SandboxStatus }
  | { readonly kind: 'addWorkspaceFinalizer'; readonly workspace: Seen; readonly finalizers: readonly string[] }
  | { readonly kind: 'removeWorkspaceFinalizer'; readonly workspace: Seen; readonly finalizers: readonly string[] }
  | {
      readonly kind: 'writeWorkspaceConditions';
      readonly workspace: Seen;
      readonly observedGeneration: number;
      readonly conditions: readonly Condition[];
    }
  | {
      readonly kind: 'emitEvent';
      readonly type: 'Normal' | 'Warning';
      readonly reason: string;
      readonly note: string;
    }
  /** Look again after so many milliseconds, 0: at once, because the next step is known. */
  | { readonly kind: 'requeue'; readonly afterMs: number };
