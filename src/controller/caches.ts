import { ANNOTATION_POD_REVISION } from '../api/names.ts';
import type { Node } from '../api/node.ts';
import type { Pod } from '../api/pod.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';
import type { Workspace } from '../api/workspace.ts';
import type { Clock } from '../base/clock.ts';
import { pick } from '../base/pick.ts';
import type { Random } from '../base/random.ts';
import { homeOf } from '../domain/home.ts';
import type { KubeClient } from '../kube/client.ts';
import { NODES, PODS, SANDBOX_TEMPLATES, SANDBOXES, WORKSPACES } from '../kube/resource-types.ts';
import { type Informer, makeInformer } from '../runtime/informer.ts';
import type { RuntimeLog } from '../runtime/log.ts';
import type { RuntimeMetrics } from '../runtime/metrics.ts';

export type SandboxIndex = 'workspace' | 'template' | 'user';

/** What the controller knows of the cluster: one informer a kind, in the one namespace of the sandboxes. */
export interface Caches {
  readonly sandboxes: Informer<Sandbox, SandboxIndex>;
  readonly workspaces: Informer<Workspace, 'writer' | 'user'>;
  readonly templates: Informer<SandboxTemplate>;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
}

export interface CachesOptions {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  readonly metrics?: RuntimeMetrics;
}

/** A lost event is found by the next list; none was ever seen to be lost, so this is insurance. */
const RESYNC_MS = 30 * 60_000;

export const makeCaches = ({ namespace, ...options }: CachesOptions): Caches => {
  const common = { ...options, resyncMs: RESYNC_MS };
  return {
    sandboxes: makeInformer<Sandbox, SandboxIndex>({
      ...common,
      type: SANDBOXES,
      selection: { namespace },
      indexers: {
        workspace: (sandbox) => workspaceNamesOf(sandbox),
        template: (sandbox) => [sandbox.spec.templateRef.name],
        user: (sandbox) => [sandbox.spec.userId],
      },
    }),
    workspaces: makeInformer<Workspace, 'writer' | 'user'>({
      ...common,
      type: WORKSPACES,
      selection: { namespace },
      indexers: {
        writer: ({ status }) => (status?.writer === undefined ? [] : [status.writer.sandbox]),
        user: ({ spec }) => [spec.userId],
      },
    }),
    templates: makeInformer<SandboxTemplate>({ ...common, type: SANDBOX_TEMPLATES, selection: { namespace } }),
    pods: makeInformer<Pod>({
      ...common,
      type: PODS,
      // Not by a label: one that is taken away made a pod that runs look gone, and its Sandbox wait for ever for it to be saved.
      selection: { namespace },
      transform: whatIsReadOfAPod,
    }),
    nodes: makeInformer<Node>({ ...common, type: NODES, selection: {}, transform: whatIsReadOfANode }),
  };
};

export const workspaceNamesOf = (sandbox: Sandbox): readonly string[] => {
  const home = homeOf(sandbox);
  return home.kind === 'workspace' ? [home.name] : [];
};

/** A pod's spec is most of its bytes, and nothing but its node is read. */
const whatIsReadOfAPod = (pod: Pod): Pod => ({
  ...pick(pod, 'apiVersion', 'kind', 'status'),
  metadata: {
    ...pick(
      pod.metadata,
      'name',
      'namespace',
      'uid',
      'resourceVersion',
      'creationTimestamp',
      'deletionTimestamp',
      'ownerReferences',
    ),
    annotations: pick(pod.metadata.annotations ?? {}, ANNOTATION_POD_REVISION),
  },
  spec: pick(pod.spec ?? {}, 'nodeName'),
});

/** A node's images are most of its bytes, and its heartbeat no news. */
const whatIsReadOfANode = (node: Node): Node => ({
  ...pick(node, 'apiVersion', 'kind'),
  metadata: pick(node.metadata, 'name', 'uid', 'resourceVersion'),
  spec: pick(node.spec ?? {}, 'podCIDRs'),
  status: {
    ...pick(node.status ?? {}, 'addresses'),
    conditions: (node.status?.conditions ?? [])
      .filter(({ type }) => type === 'Ready')
      .map((condition) => pick(condition, 'type', 'status', 'lastTransitionTime')),
  },
});
