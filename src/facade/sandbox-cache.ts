import type { Sandbox } from '../api/sandbox.ts';
import type { Informer } from '../runtime/informer.ts';
import { objectKey } from '../runtime/object-key.ts';

/** The facade's view of all Sandboxes, kept current by one watch. Reading it asks nobody. */
export interface SandboxCache {
  readonly get: (name: string) => Sandbox | undefined;
  readonly list: () => readonly Sandbox[];
  /** Takes the answer to an own write, so that what the next request reads is not older. */
  readonly put: (sandbox: Sandbox) => void;
  /** Calls `listener` with each later state of the Sandbox of that name, undefined once it is gone. Returns the end. */
  readonly subscribe: (name: string, listener: SandboxListener) => () => void;
}

export type SandboxListener = (sandbox: Sandbox | undefined) => void;

/** The Sandboxes of one namespace, out of an informer of just those. */
export const makeSandboxCache = (
  informer: Pick<Informer<Sandbox>, 'store' | 'put' | 'onChange'>,
  namespace: string,
): SandboxCache => {
  const listeners = new Map<string, Set<SandboxListener>>();
  informer.onChange(({ kind, object }) => {
    for (const listener of listeners.get(object.metadata.name) ?? []) listener(kind === 'deleted' ? undefined : object);
  });
  return {
    get: (name) => informer.store.get(objectKey({ metadata: { name, namespace } })),
    list: informer.store.list,
    put: informer.put,
    subscribe: (name, listener) => {
      const ofName = listeners.get(name) ?? new Set();
      listeners.set(name, ofName.add(listener));
      return () => {
        ofName.delete(listener);
        if (ofName.size === 0 && listeners.get(name) === ofName) listeners.delete(name);
      };
    },
  };
};
