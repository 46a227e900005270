import type { KubeObject } from './meta.ts';

/** The part of a Node that the product reads. */
export interface Node extends KubeObject {
  readonly spec?: {
    /** Where its pods have their addresses; not there with network plugins that take them from elsewhere. */
    readonly podCIDRs?: readonly string[];
  };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    /** Ready is Unknown when the node has not been heard of for as long as the cluster's grace period. */
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly runtimeHandlers?: readonly {
      /** Empty or absent: the one of pods without a RuntimeClass. */
      readonly name?: string;
      readonly features?: { readonly userNamespaces?: boolean };
    }[];
  };
}
