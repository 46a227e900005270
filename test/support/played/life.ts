import { findCondition } from '../../../src/api/condition.ts';
import { standingOf } from '../../../src/api/standing.ts';
import type { Pod } from '../../../src/api/pod.ts';
import type { Sandbox, SandboxSpec } from '../../../src/api/sandbox.ts';
import type { Workspace } from '../../../src/api/workspace.ts';
import { workspaceName } from '../../../src/api/workspace-id.ts';
import type { Json } from '../../../src/base/json.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { SANDBOXES } from '../../../src/kube/resource-types.ts';
import { keyOf } from '../../../src/runtime/object-key.ts';
import { eventually } from '../e2e/eventually.ts';
import { aSandbox } from '../resources.ts';
import type { PlayedNode } from './played-node.ts';

/** What users do to Sandboxes of one namespace, and what is then seen of them. */
export interface Life {
  readonly namespace: string;
  readonly node: PlayedNode;
  readonly client: KubeClient;
  readonly create: (name: string, spec?: Partial<SandboxSpec>) => Promise<void>;
  readonly want: (name: string, desiredState: SandboxSpec['desiredState']) => Promise<void>;
  readonly change: (name: string, patch: Json) => Promise<void>;
  readonly remove: (name: string) => Promise<void>;
  readonly sandbox: (name: string) => Sandbox | undefined;
  readonly pod: (name: string) => Pod | undefined;
  readonly workspace: (userId: string) => Workspace | undefined;
  /** The reason of Ready or Stopped; `Deleted`: there is none. */
  readonly reason: (name: string) => string | undefined;
  readonly isReady: (name: string) => boolean;
  /** Waits until `holds`, which is asked of the watched state; throws with what was seen last. */
  readonly until: (what: string, holds: () => boolean) => Promise<void>;
}

const DEADLINE_MS = 120_000;

export const makeLife = (client: KubeClient, namespace: string, node: PlayedNode): Life => {
  const ref = (name: string) => ({ type: SANDBOXES, namespace, name });
  const sandbox: Life['sandbox'] = (name) => node.sandboxes.get(keyOf(namespace, name));
  const ready = (name: string) => findCondition(sandbox(name)?.status?.conditions, 'Ready');
  const change: Life['change'] = async (name, patch) => {
    await client.mergePatch(ref(name), patch);
  };
  return {
    namespace,
    node,
    client,
    create: async (name, spec = {}) => {
      const built = aSandbox(name)
        .with({ userId: name, ...spec })
        .build();
      await client.create<Sandbox>(SANDBOXES, namespace, { ...built, metadata: { name } });
    },
    want: (name, desiredState) => change(name, { spec: { desiredState } }),
    change,
    remove: (name) => client.delete(ref(name)),
    sandbox,
    pod: (name) => node.pods.get(keyOf(namespace, name)),
    workspace: (userId) => node.workspaces.get(keyOf(namespace, workspaceName(userId))),
    reason: (name) => (sandbox(name) === undefined ? 'Deleted' : standingOf(sandbox(name)?.status?.conditions)?.reason),
    isReady: (name) =>
      ready(name)?.status === 'True' &&
      sandbox(name)?.status?.podUid === node.pods.get(keyOf(namespace, name))?.metadata.uid,
    until: async (what, holds) => {
      try {
        await eventually(what, holds, { deadlineMs: DEADLINE_MS, everyMs: 10 });
      } catch (error) {
        const seen = [...node.sandboxes.list(), ...node.pods.list(), ...node.workspaces.list()];
        throw new Error(
          `${what}: ${JSON.stringify(seen.map(({ kind, metadata, ...rest }) => ({ kind, name: metadata.name, metadata, status: rest.status })))}`,
          { cause: error },
        );
      }
    },
  };
};

/**
 * What must hold when all has come to rest, whatever went wrong on the way. Empty: all is well. A pod is the one of a
 * Sandbox that is there; a Workspace says of its newest commit what the bucket has, and has a writer only where a Sandbox
 * holds it; a home that is open on the node can still be saved.
 */
export const brokenPromises = ({ node, namespace }: Life): readonly string[] => {
  const sandboxes = node.sandboxes.list();
  const uids = new Set(sandboxes.map(({ metadata }) => metadata.uid));
  const orphans = node.pods
    .list()
    .filter(({ metadata }) => !metadata.ownerReferences?.some(({ uid }) => uids.has(uid)))
    .map(({ metadata }) => `pod ${metadata.name} is nobody's`);
  const lost = node.workspaces.list().flatMap(({ metadata, status }) => {
    const stored = node.bucket.get(metadata.name);
    const { head, writer } = status ?? {};
    return [
      ...(head?.sequence === stored?.sequence && head?.epoch === stored?.epoch
        ? []
        : [
            `${metadata.name}: head is ${head?.epoch}-${head?.sequence}, the bucket has ${stored?.epoch}-${stored?.sequence}`,
          ]),
      ...(writer === undefined || uids.has(writer.uid)
        ? []
        : [`${metadata.name}: its writer ${writer.sandbox} is gone`]),
    ];
  });
  const unsaved = node.open().flatMap(({ workspace, epoch }) => {
    const writer = node.workspaces.get(keyOf(namespace, workspace))?.status?.writer;
    return writer?.epoch === epoch
      ? []
      : [`${workspace}: epoch ${epoch} was given up with its files on the node alone`];
  });
  return [...node.wrongs, ...orphans, ...lost, ...unsaved];
};
