import type { KubeObject } from './meta.ts';

/** The part of a Node that the product reads. */
export interface Node extends KubeObject {
  readonly status?: {
    readonly runtimeHandlers?: readonly {
      /** Empty or absent: the one of pods without a RuntimeClass. */
      readonly name?: string;
      readonly features?: { readonly userNamespaces?: boolean };
    }[];
  };
}
