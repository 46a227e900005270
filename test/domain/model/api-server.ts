import type { KubeObject } from '../../../src/api/meta.ts';
import type { Node } from '../../../src/api/node.ts';
import type { Pod } from '../../../src/api/pod.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import type { SandboxTemplate } from '../../../src/api/sandbox-template.ts';
import type { Workspace } from '../../../src/api/workspace.ts';

interface Kinds {
  readonly sandboxes: Sandbox;
  readonly workspaces: Workspace;
  readonly pods: Pod;
  readonly templates: SandboxTemplate;
  readonly nodes: Node;
}
export type KindOfObject = keyof Kinds;

/** All objects at one moment. */
export type Snapshot = { readonly [K in KindOfObject]: ReadonlyMap<string, Kinds[K]> };

/** A write that the API server would not take. */
export class Refused extends Error {
  readonly reason: 'NotFound' | 'AlreadyExists' | 'Conflict' | 'Forbidden';

  constructor(message: string, reason: Refused['reason'] = 'Conflict') {
    super(message);
    this.reason = reason;
  }
}

export const NOW = Date.UTC(2026, 0, 1);

interface Preconditions {
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
}

const specOf = (object: KubeObject): string => JSON.stringify((object as { readonly spec?: unknown }).spec);

/** As much of an API server as the domain relies on: uids, resource versions, generations, finalizers, history. */
export interface ApiServer {
  /** Every state there ever was, the newest last: what caches may still hold. */
  readonly history: readonly Snapshot[];
  readonly newest: () => Snapshot;
  readonly now: () => number;
  readonly tick: (ms: number) => void;
  readonly create: <K extends KindOfObject>(kind: K, object: Kinds[K]) => void;
  /** `change` gets the newest object. `seen` are preconditions. */
  readonly update: <K extends KindOfObject>(
    kind: K,
    name: string,
    change: (object: Kinds[K]) => Kinds[K],
    seen?: Preconditions,
  ) => void;
  /** Sets the deletion timestamp where something still holds the object, removes it otherwise. `seen` are preconditions. */
  readonly delete: (kind: KindOfObject, name: string, seen?: Preconditions) => void;
  /** Takes the object away, whoever holds it. */
  readonly erase: (kind: KindOfObject, name: string) => void;
  /** Calls `listener` after every change; returns how to stop that. */
  readonly subscribe: (listener: () => void) => () => void;
}

export const makeApiServer = (): ApiServer => {
  const history: Snapshot[] = [
    { sandboxes: new Map(), workspaces: new Map(), pods: new Map(), templates: new Map(), nodes: new Map() },
  ];
  const listeners = new Set<() => void>();
  let now = NOW;
  const newest = (): Snapshot => history.at(-1) as Snapshot;

  /** A resource version is the place in history of the state that brought it. */
  const nextVersion = (): string => String(history.length);

  const store = (kind: KindOfObject, name: string, object: KubeObject | undefined): void => {
    const objects = new Map<string, KubeObject>(newest()[kind]);
    if (object === undefined) objects.delete(name);
    else objects.set(name, object);
    history.push({ ...newest(), [kind]: objects });
    for (const listener of listeners) listener();
  };

  const erase: ApiServer['erase'] = (kind, name) => {
    const gone = newest()[kind].get(name);
    store(kind, name, undefined);
    if (kind !== 'sandboxes' || gone === undefined) return;
    // The garbage collector: what the object owned goes after it.
    for (const pod of newest().pods.values()) {
      if (pod.metadata.ownerReferences?.some((owner) => owner.uid === gone.metadata.uid))
        remove('pods', pod.metadata.name);
    }
  };

  const requireSeen = ({ metadata }: KubeObject, { uid, resourceVersion }: Preconditions): void => {
    if (uid !== undefined && uid !== metadata.uid) throw new Refused(`${metadata.name} is another one`);
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
      throw new Refused(`${metadata.name} has changed`);
    }
  };

  const remove: ApiServer['delete'] = (kind, name, seen = {}) => {
    const object = newest()[kind].get(name);
    if (object === undefined) throw new Refused(`no ${kind} ${name}`, 'NotFound');
    requireSeen(object, seen);
    if (object.metadata.deletionTimestamp !== undefined) return;
    // A pod's kubelet holds it; before there is one, nothing does.
    const isHeld =
      kind === 'pods' ? (object as Pod).spec?.nodeName !== undefined : (object.metadata.finalizers ?? []).length > 0;
    if (!isHeld) {
      erase(kind, name);
      return;
    }
    const deletionTimestamp = new Date(now).toISOString();
    store(kind, name, {
      ...object,
      metadata: { ...object.metadata, deletionTimestamp, resourceVersion: nextVersion() },
    });
  };

  return {
    history,
    newest,
    now: () => now,
    tick: (ms) => {
      now += ms;
    },
    create: (kind, object) => {
      if (newest()[kind].has(object.metadata.name)) {
        throw new Refused(`${kind} ${object.metadata.name} exists`, 'AlreadyExists');
      }
      const metadata = {
        ...object.metadata,
        uid: `uid-${nextVersion()}`,
        resourceVersion: nextVersion(),
        generation: 1,
      };
      store(kind, object.metadata.name, { ...object, metadata });
    },
    update: <K extends KindOfObject>(
      kind: K,
      name: string,
      change: (object: Kinds[K]) => Kinds[K],
      seen: Preconditions = {},
    ) => {
      const object = newest()[kind].get(name);
      if (object === undefined) throw new Refused(`no ${kind} ${name}`, 'NotFound');
      requireSeen(object, seen);
      const { generation = 0 } = object.metadata;
      const changed: KubeObject = change(object);
      const metadata = {
        ...changed.metadata,
        resourceVersion: nextVersion(),
        generation: specOf(changed) === specOf(object) ? generation : generation + 1,
      };
      const isGone = metadata.deletionTimestamp !== undefined && kind !== 'pods' && !metadata.finalizers?.length;
      if (isGone) erase(kind, name);
      else store(kind, name, { ...changed, metadata });
    },
    delete: remove,
    erase,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

export const ignoreRefusal = (attempt: () => void): void => {
  try {
    attempt();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
};
