import { Reason, SandboxConditionType } from '../../src/api/reasons.ts';
import type { Pod } from '../../src/api/pod.ts';
import type { Sandbox, SandboxStatus } from '../../src/api/sandbox.ts';
import type { Workspace, WorkspaceStatus } from '../../src/api/workspace.ts';
import type { Json } from '../../src/base/json.ts';
import type { Action } from '../../src/domain/action.ts';
import { desiredPod } from '../../src/domain/desired-pod.ts';
import type { Observed } from '../../src/domain/observed.ts';
import { plan } from '../../src/domain/plan.ts';
import { planWorkspace } from '../../src/domain/plan-workspace.ts';
import { seen, uidOf } from '../../src/domain/seen.ts';
import type { Rules } from '../../src/controller/reconcile.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Tampering } from './simulate.ts';

/** A product with one rule broken, each as it might be by a careless change. */
export interface Mutation {
  readonly what: string;
  readonly tampering: Tampering;
}

const broken = (what: string, rules: Partial<Rules>): Mutation => ({
  what,
  tampering: { rules: { plan, planWorkspace, ...rules } },
});

/** The rules as they are, of a Sandbox that is seen otherwise than it is. */
const blind = (what: string, view: (observed: Observed) => Observed): Mutation =>
  broken(what, { plan: (observed) => plan(view(observed)) });

/** What the rules say, carried out otherwise. */
const acting = (
  what: string,
  change: (actions: readonly Action[], observed: Observed) => readonly Action[],
): Mutation => broken(what, { plan: (observed) => change(plan(observed), observed) });

const without = (what: string, ...kinds: readonly Action['kind'][]): Mutation =>
  acting(what, (actions) => actions.filter(({ kind }) => !kinds.includes(kind)));

/** What the rules say of the status, written otherwise. */
const telling = (what: string, change: (status: SandboxStatus, observed: Observed) => SandboxStatus): Mutation =>
  acting(what, (actions, observed) =>
    actions.map((action) =>
      action.kind === 'writeSandboxStatus' ? { ...action, status: change(action.status, observed) } : action,
    ),
  );

const requesting = (what: string, client: (client: KubeClient) => KubeClient): Mutation => ({
  what,
  tampering: { client },
});

const withStatus = (sandbox: Sandbox, change: (status: SandboxStatus) => SandboxStatus): Sandbox =>
  sandbox.status === undefined ? sandbox : { ...sandbox, status: change(sandbox.status) };

const withWorkspace = (observed: Observed, change: (status: WorkspaceStatus) => WorkspaceStatus): Observed => {
  const { workspace } = observed;
  return workspace?.status === undefined
    ? observed
    : { ...observed, workspace: { ...workspace, status: change(workspace.status) } };
};

const withPod = (observed: Observed, change: (pod: Pod) => Pod | undefined): Observed =>
  observed.pod === undefined ? observed : { ...observed, pod: change(observed.pod) };

const withLifetime = (observed: Observed, lifetime: Partial<Sandbox['spec']['lifetime']>): Observed => {
  const { sandbox } = observed;
  return {
    ...observed,
    sandbox: { ...sandbox, spec: { ...sandbox.spec, lifetime: { ...sandbox.spec.lifetime, ...lifetime } } },
  };
};

/** Everything that a destructive action has to ask the API server first. */
const unasked = (actions: readonly Action[], ...kinds: readonly Action['kind'][]): readonly Action[] =>
  actions.map((action) => ('assuming' in action && kinds.includes(action.kind) ? { ...action, assuming: [] } : action));

const saved = (workspace: Workspace): Workspace => {
  const { session } = workspace.status ?? {};
  if (workspace.status === undefined || session === undefined) return workspace;
  return { ...workspace, status: { ...workspace.status, session: { ...session, state: 'Closed', dirty: false } } };
};

const isUnready = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;

const seenTerminatingAsLive = (observed: Observed): Observed =>
  withPod(observed, (pod) => {
    const { deletionTimestamp: _deleted, ...metadata } = pod.metadata;
    return { ...pod, metadata };
  });

const withoutPrecondition = (patch: Json): Json => {
  const { metadata, ...rest } = patch as { readonly metadata?: Readonly<Record<string, Json>> };
  const { resourceVersion: _version, ...kept } = metadata ?? {};
  return { ...rest, metadata: kept };
};

export const MUTATIONS: readonly Mutation[] = [
  // Holding on to what is not let go of.
  without('the finalizer is forgotten', 'addSandboxFinalizer'),
  acting('the finalizer goes at once', (actions, { sandbox }) =>
    sandbox.metadata.deletionTimestamp === undefined
      ? actions
      : [{ kind: 'removeSandboxFinalizer', sandbox: seen(sandbox), finalizers: [], assuming: [] }],
  ),
  without('the finalizer never goes', 'removeSandboxFinalizer'),
  broken('a workspace goes though somebody writes to it', {
    planWorkspace: (observed) =>
      observed.workspace.metadata.deletionTimestamp === undefined
        ? planWorkspace(observed)
        : [{ kind: 'removeWorkspaceFinalizer', workspace: seen(observed.workspace), finalizers: [] }],
  }),
  // The writer and its epoch.
  acting('the epoch does not grow', (actions, { workspace }) =>
    actions.map((action) =>
      action.kind === 'acquireWriter'
        ? { ...action, writer: { ...action.writer, epoch: Math.max(1, workspace?.status?.epoch ?? 1) } }
        : action,
    ),
  ),
  blind('the epoch of the last session counts for nothing', (observed) =>
    withWorkspace(observed, ({ epoch: _epoch, session: _session, head: _head, ...status }) => status),
  ),
  acting('a workspace in use is taken from its holder', (actions, { sandbox, workspace, now }) => {
    const { writer } = workspace?.status ?? {};
    const isOthers = writer !== undefined && writer.uid !== uidOf(sandbox);
    if (workspace === undefined || !isOthers || sandbox.spec.desiredState !== 'Running') return actions;
    const acquiredAt = new Date(now).toISOString();
    const mine = { sandbox: sandbox.metadata.name, uid: uidOf(sandbox), epoch: writer.epoch + 1, acquiredAt };
    return [{ kind: 'acquireWriter', workspace: seen(workspace), writer: mine }];
  }),
  acting('a workspace in use does not keep a pod from being made', (actions, { sandbox, workspace, template, pod }) => {
    const { writer } = workspace?.status ?? {};
    const isOthers = writer !== undefined && writer.uid !== uidOf(sandbox);
    const isWanted = sandbox.spec.desiredState === 'Running' && sandbox.metadata.deletionTimestamp === undefined;
    if (!isOthers || !isWanted || template === undefined || pod !== undefined) return actions;
    return [{ kind: 'createPod', pod: desiredPod(sandbox, template) }];
  }),
  blind('the writer is released before its home is saved', (observed) =>
    observed.pod === undefined && observed.workspace !== undefined
      ? { ...observed, workspace: saved(observed.workspace) }
      : observed,
  ),
  acting('the writer is released while its pod ends', (actions, { sandbox, workspace, pod }) => {
    const writer = workspace?.status?.writer;
    if (workspace === undefined || writer?.uid !== uidOf(sandbox)) return actions;
    if (pod === undefined || !isUnready(pod)) return actions;
    return [{ kind: 'releaseWriter', workspace: seen(workspace), epoch: writer.epoch, assuming: [] }];
  }),
  without('the writer is never released', 'releaseWriter'),
  broken('the lock of a living sandbox is taken for an orphan', {
    planWorkspace: (observed) =>
      unasked(
        planWorkspace({ ...observed, holder: undefined, pod: undefined, workspace: saved(observed.workspace) }),
        'releaseWriter',
      ),
  }),
  // Pods.
  acting('a pod is deleted that is wanted and well', (actions, { pod }) => {
    const isWell = pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
    const uid = pod?.metadata.uid;
    const rests = actions.every(({ kind }) => kind === 'requeue');
    if (!isWell || uid === undefined || pod === undefined || isUnready(pod) || !rests) return actions;
    return [{ kind: 'deletePod', name: pod.metadata.name, uid, assuming: [] }];
  }),
  acting('what is deleted is not asked for first', (actions) => unasked(actions, 'deletePod', 'deleteSandbox')),
  acting('a pod is forgotten though its node lives', (actions) =>
    actions.map((action) => (action.kind === 'deletePod' ? { ...action, forget: true, assuming: [] } : action)),
  ),
  blind('a failed pod is made again at once', (observed) => ({
    ...observed,
    sandbox: withStatus(observed.sandbox, ({ podFailures: _failures, ...status }) => status),
  })),
  telling('failures are not counted', (status) => ({
    ...status,
    ...(status.podFailures === undefined ? {} : { podFailures: { ...status.podFailures, count: 1 } }),
  })),
  blind('a pod that ended is left as it is', (observed) =>
    withPod(observed, (pod) => ({ ...pod, status: { ...pod.status, phase: 'Running' } })),
  ),
  blind('a pod that ends is taken for one that runs', seenTerminatingAsLive),
  // Nodes.
  blind('a node is given up at once', (observed) => ({
    ...observed,
    installation: { ...observed.installation, nodeLostSeconds: 0 },
  })),
  blind('a node is never given up', ({ nodes: _nodes, ...observed }) => observed),
  // Time.
  blind('nothing ever expires', (observed) => withLifetime(observed, { ttlSeconds: 31_536_000 })),
  blind('everything expires early', (observed) =>
    withLifetime(observed, { ttlSeconds: Math.ceil(observed.sandbox.spec.lifetime.ttlSeconds / 2) }),
  ),
  blind('an idle sandbox goes on', (observed) => withLifetime(observed, { idleSeconds: undefined })),
  blind('a sandbox that is used is idle', (observed) => ({
    ...observed,
    sandbox: { ...observed.sandbox, metadata: { ...observed.sandbox.metadata, annotations: {} } },
  })),
  without('nothing is looked at again by itself', 'requeue'),
  blind('a record is kept for ever', (observed) => withLifetime(observed, { retainSeconds: 31_536_000 })),
  blind('a record goes before its time', (observed) => withLifetime(observed, { retainSeconds: 0 })),
  // What is told.
  telling('why it has stopped is not told', ({ stopReason: _reason, ...status }) => status),
  telling('every end is somebody’s wish', (status) => ({
    ...status,
    ...(status.stopReason === undefined ? {} : { stopReason: 'user_requested' }),
  })),
  telling('it is Ready while its pod ends', (status, { sandbox, pod }) =>
    pod !== undefined && isUnready(pod) && sandbox.status?.conditions !== undefined
      ? { ...status, conditions: sandbox.status.conditions }
      : status,
  ),
  telling('it is Ready before its home is open', (status) => ({
    ...status,
    conditions: (status.conditions ?? []).map((condition) =>
      condition.type === SandboxConditionType.Ready && condition.reason === Reason.RestoringWorkspace
        ? { ...condition, status: 'True' as const, reason: Reason.PodReady }
        : condition,
    ),
  })),
  telling('everything is always saved', (status) => ({
    ...status,
    conditions: (status.conditions ?? []).map((condition) =>
      condition.type === SandboxConditionType.WorkspaceSaved ? { ...condition, status: 'True' as const } : condition,
    ),
  })),
  telling('a transition has the time of the last look', (status, { now }) => ({
    ...status,
    conditions: (status.conditions ?? []).map((condition) => ({
      ...condition,
      lastTransitionTime: new Date(now).toISOString(),
    })),
  })),
  telling('the generation is not told', ({ observedGeneration: _generation, ...status }) => status),
  // Writes.
  requesting('writes do not say what they have seen', (client) => ({
    ...client,
    mergePatch: (ref, patch, options) => client.mergePatch(ref, withoutPrecondition(patch), options),
  })),
  {
    what: 'a driver reports whoever writes by now',
    tampering: {
      driver: (client) => ({
        ...client,
        jsonPatch: (ref, patch, options) =>
          client.jsonPatch(
            ref,
            patch.filter(({ op }) => op !== 'test'),
            options,
          ),
      }),
    },
  },
];
