import { GROUP_VERSION, LABEL_MANAGED_BY, LABEL_SANDBOX, MANAGED_BY, SANDBOX_FINALIZER } from '../../src/api/names.ts';
import type { Pod, PodStatus } from '../../src/api/pod.ts';
import type { Sandbox, SandboxSpec, SandboxStatus } from '../../src/api/sandbox.ts';
import type { SandboxTemplate, SandboxTemplateSpec } from '../../src/api/sandbox-template.ts';
import type { Workspace, WorkspaceSession, WorkspaceStatus } from '../../src/api/workspace.ts';
import { workspaceName } from '../../src/api/workspace-id.ts';

export const NAMESPACE = 'sandboxes';
const CREATED = '2026-01-01T00:00:00Z';

/** A Sandbox as the API server would store it. Every method gives a new builder. */
export interface SandboxBuilder {
  readonly ofUser: (userId: string) => SandboxBuilder;
  readonly inWorkspace: (workspace: SandboxSpec['workspace']) => SandboxBuilder;
  readonly ephemeral: () => SandboxBuilder;
  readonly wanted: (desiredState: SandboxSpec['desiredState']) => SandboxBuilder;
  readonly with: (spec: Partial<SandboxSpec>) => SandboxBuilder;
  readonly finalized: () => SandboxBuilder;
  readonly annotate: (annotations: Readonly<Record<string, string>>) => SandboxBuilder;
  readonly deleted: () => SandboxBuilder;
  readonly uid: (uid: string) => SandboxBuilder;
  readonly status: (status: SandboxStatus) => SandboxBuilder;
  readonly build: () => Sandbox;
}

const sandboxBuilder = (sandbox: Sandbox): SandboxBuilder => {
  const spec = (more: Partial<SandboxSpec>): SandboxBuilder =>
    sandboxBuilder({ ...sandbox, spec: { ...sandbox.spec, ...more } });
  const metadata = (more: Partial<Sandbox['metadata']>): SandboxBuilder =>
    sandboxBuilder({ ...sandbox, metadata: { ...sandbox.metadata, ...more } });
  return Object.freeze<SandboxBuilder>({
    ofUser: (userId) => spec({ userId }),
    inWorkspace: (workspace) => spec({ workspace }),
    ephemeral: () => spec({ workspace: { ephemeral: true } }),
    wanted: (desiredState) => spec({ desiredState }),
    with: spec,
    annotate: (annotations) => metadata({ annotations }),
    finalized: () => metadata({ finalizers: [SANDBOX_FINALIZER] }),
    deleted: () => metadata({ deletionTimestamp: CREATED }),
    uid: (uid) => metadata({ uid }),
    status: (status) => sandboxBuilder({ ...sandbox, status }),
    build: () => sandbox,
  });
};

export const aSandbox = (name = 'demo'): SandboxBuilder =>
  sandboxBuilder({
    apiVersion: GROUP_VERSION,
    kind: 'Sandbox',
    metadata: {
      name,
      namespace: NAMESPACE,
      uid: `uid-of-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: CREATED,
    },
    spec: {
      userId: 'ann',
      templateRef: { name: 'default' },
      desiredState: 'Running',
      workspace: { ephemeral: false },
      lifetime: { ttlSeconds: 7200, onExpire: 'Stop', retainSeconds: 86_400 },
    },
  });

export const aTemplate = (name = 'default', spec: Partial<SandboxTemplateSpec> = {}): SandboxTemplate => ({
  apiVersion: GROUP_VERSION,
  kind: 'SandboxTemplate',
  metadata: { name, namespace: NAMESPACE, uid: `uid-of-template-${name}`, resourceVersion: '1', generation: 1 },
  spec: { image: 'example/sandbox:1', imagePullPolicy: 'IfNotPresent', terminationGracePeriodSeconds: 30, ...spec },
});

/** The Workspace of a user, with the writer's lock and session that a test wants. */
export const aWorkspace = (userId = 'ann', status: WorkspaceStatus = {}, name?: string): Workspace => ({
  apiVersion: GROUP_VERSION,
  kind: 'Workspace',
  metadata: {
    name: workspaceName(userId, name),
    namespace: NAMESPACE,
    uid: 'uid-of-workspace',
    resourceVersion: '7',
    generation: 1,
    finalizers: ['matrx.dev/writer'],
  },
  spec: { userId, ...(name === undefined ? {} : { name }) },
  status,
});

export const heldBy = (sandbox: Sandbox, epoch = 3): WorkspaceStatus => ({
  epoch,
  writer: { sandbox: sandbox.metadata.name, uid: sandbox.metadata.uid ?? '', epoch, acquiredAt: CREATED },
});

export const aSession = (state: WorkspaceSession['state'], more: Partial<WorkspaceSession> = {}): WorkspaceSession => ({
  epoch: 3,
  node: 'node-1',
  state,
  dirty: false,
  updatedAt: CREATED,
  ...(state === 'Restoring' ? {} : { openedAt: CREATED }),
  ...more,
});

/** The pod that the controller made for `sandbox`. */
export const aPodOf = (sandbox: Sandbox, status: PodStatus = {}, nodeName?: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: sandbox.metadata.name,
    namespace: NAMESPACE,
    uid: 'uid-of-pod',
    resourceVersion: '5',
    labels: { [LABEL_MANAGED_BY]: MANAGED_BY, [LABEL_SANDBOX]: sandbox.metadata.name },
    ownerReferences: [
      {
        apiVersion: GROUP_VERSION,
        kind: 'Sandbox',
        name: sandbox.metadata.name,
        uid: sandbox.metadata.uid ?? '',
        controller: true,
      },
    ],
  },
  spec: nodeName === undefined ? {} : { nodeName },
  status,
});

export const aRunningPodOf = (sandbox: Sandbox): Pod =>
  aPodOf(sandbox, { phase: 'Running', podIP: '10.0.0.9', conditions: [{ type: 'Ready', status: 'True' }] }, 'node-1');
