import type { KubeObject } from '../api/meta.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { Assumption, Seen } from './action.ts';
import type { RunView } from './run.ts';

/** What a write to `object` has to find unchanged. Objects from the API server always have a uid and a version. */
export const seen = (object: KubeObject): Seen => ({
  name: object.metadata.name,
  uid: object.metadata.uid ?? '',
  resourceVersion: object.metadata.resourceVersion ?? '',
});

export const uidOf = (object: KubeObject): string => object.metadata.uid ?? '';

export const isDeleting = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined;

/**
 * A deletion cannot be taken back; a desired state can, and a cache may not know it yet. That a run is over follows from
 * the status and the annotations too.
 */
export const stillUnwanted = (sandbox: Sandbox, run: RunView): readonly Assumption[] => {
  if (isDeleting(sandbox)) return [];
  if (run.kind === 'over') return [{ kind: 'sandboxUnchanged', sandbox: seen(sandbox) }];
  const { name, generation = 0 } = sandbox.metadata;
  return [{ kind: 'sandboxSpecUnchanged', name, uid: uidOf(sandbox), generation }];
};
