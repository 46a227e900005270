import type { KubeObject } from '../../../src/api/meta.ts';
import type { NetworkPolicy } from '../../../src/api/network-policy.ts';
import type { Node } from '../../../src/api/node.ts';
import type { Pod } from '../../../src/api/pod.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import type { SandboxTemplate } from '../../../src/api/sandbox-template.ts';
import type { Workspace } from '../../../src/api/workspace.ts';
import type { ResourceType } from '../../../src/kube/client.ts';

/** What the model can keep, in one namespace. */
export interface Kinds {
  readonly sandboxes: Sandbox;
  readonly workspaces: Workspace;
  readonly pods: Pod;
  readonly templates: SandboxTemplate;
  readonly nodes: Node;
  readonly configmaps: KubeObject;
  readonly secrets: KubeObject;
  readonly networkpolicies: NetworkPolicy;
  readonly events: KubeObject;
}
export type KindOfObject = keyof Kinds;

export const KINDS: readonly KindOfObject[] = [
  'sandboxes',
  'workspaces',
  'pods',
  'templates',
  'nodes',
  'configmaps',
  'secrets',
  'networkpolicies',
  'events',
];

/** Undefined where the model knows no such resource, as a server without its definition. */
export const kindOf = ({ plural }: ResourceType): KindOfObject | undefined => {
  const kind = plural === 'sandboxtemplates' ? 'templates' : plural;
  return KINDS.find((known) => known === kind);
};

/** Those whose status is written apart from everything else. */
export const hasStatus = (kind: KindOfObject): boolean => ['sandboxes', 'workspaces', 'pods', 'nodes'].includes(kind);

/** Those whose generation says how often their spec was changed. */
export const hasGeneration = (kind: KindOfObject): boolean => hasStatus(kind) || kind === 'templates';

/** All objects at one moment. */
export type Snapshot = { readonly [K in KindOfObject]: ReadonlyMap<string, Kinds[K]> };
