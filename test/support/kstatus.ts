import { type Condition, findCondition } from '../../src/api/condition.ts';
import type { ObjectMeta } from '../../src/api/meta.ts';

/** What kstatus makes of an object whose kind it does not know: Flux and `kubectl` wait by it. */
export type ObjectStatus = 'Current' | 'InProgress' | 'Failed' | 'Terminating';

interface Observed {
  readonly metadata: ObjectMeta;
  readonly status?:
    | { readonly observedGeneration?: number | undefined; readonly conditions?: readonly Condition[] | undefined }
    | undefined;
}

/** The generic rules of kstatus, in its order: https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus */
export const kstatus = ({ metadata, status }: Observed): ObjectStatus => {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (status?.observedGeneration !== undefined && status.observedGeneration !== metadata.generation)
    return 'InProgress';
  const is = (type: string, value: Condition['status']): boolean =>
    findCondition(status?.conditions, type)?.status === value;
  if (is('Reconciling', 'True')) return 'InProgress';
  if (is('Stalled', 'True')) return 'Failed';
  return is('Ready', 'False') || is('Ready', 'Unknown') ? 'InProgress' : 'Current';
};
