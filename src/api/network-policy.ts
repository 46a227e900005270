import type { KubeObject } from './meta.ts';

/** The part of a NetworkPolicy that the product writes. */
export interface NetworkPolicy extends KubeObject {
  readonly spec: {
    readonly podSelector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly policyTypes: readonly ['Egress'];
    readonly egress: readonly {
      readonly to: readonly [{ readonly ipBlock: { readonly cidr: string; readonly except?: readonly string[] } }];
      readonly ports?: readonly {
        readonly protocol: string;
        readonly port: number;
        readonly endPort?: number | undefined;
      }[];
    }[];
  };
}
