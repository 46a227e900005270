import { outermostBlocks } from './ip-block.ts';
import { selects } from './label-selector.ts';
import type { LabelSelector, PolicyPeer, PolicyPod, PolicyState } from './objects.ts';

/** Whom a rule lets through: everybody, certain pods, or a block of addresses without some of them. */
export type Peers =
  | { readonly kind: 'everybody' }
  | { readonly kind: 'pods'; readonly pods: readonly PolicyPod[] }
  | { readonly kind: 'block'; readonly cidr: string; readonly except: readonly string[] };

/** The peers of one rule of a policy in `namespace`. A rule without peers is for everybody; one may be for nobody. */
export const resolvePeers = (
  peers: readonly PolicyPeer[] | undefined,
  namespace: string,
  state: PolicyState,
): readonly Peers[] => {
  if (peers === undefined || peers.length === 0) return [{ kind: 'everybody' }];
  const pods = new Set<PolicyPod>();
  const blocks: Peers[] = [];
  for (const { ipBlock, podSelector, namespaceSelector } of peers) {
    if (ipBlock !== undefined) {
      const [cidr] = outermostBlocks([ipBlock.cidr]);
      if (cidr !== undefined) blocks.push({ kind: 'block', cidr, except: outermostBlocks(ipBlock.except ?? []) });
      continue;
    }
    const namespaces =
      namespaceSelector === undefined ? new Set([namespace]) : selectedNamespaces(namespaceSelector, state);
    for (const pod of state.pods) {
      if (namespaces.has(pod.namespace) && selects(podSelector ?? {}, pod.labels)) pods.add(pod);
    }
  }
  return [...(pods.size === 0 ? [] : [{ kind: 'pods', pods: [...pods] } as const]), ...blocks];
};

const selectedNamespaces = (selector: LabelSelector, { namespaces }: PolicyState): ReadonlySet<string> =>
  new Set(namespaces.filter(({ labels }) => selects(selector, labels)).map(({ name }) => name));
