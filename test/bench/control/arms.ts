import { findCondition } from '../../../src/api/condition.ts';
import { GROUP_VERSION, SANDBOX_FINALIZER } from '../../../src/api/names.ts';
import type { Pod } from '../../../src/api/pod.ts';
import { DEFAULT_LIFETIME, type Sandbox } from '../../../src/api/sandbox.ts';
import { PODS, SANDBOXES } from '../../../src/kube/resource-types.ts';
import type { Arm } from './arrivals.ts';

/** Each of another user; with the finalizer where they are made as the facade makes them, without as people do. */
export const sandboxArm = (
  name: string,
  workspace: { readonly ephemeral?: boolean },
  by: 'facade' | 'kubectl' = 'facade',
): Arm<Sandbox> => ({
  name,
  type: SANDBOXES,
  build: (id) => ({
    apiVersion: GROUP_VERSION,
    kind: 'Sandbox',
    metadata: {
      name: id,
      namespace: 'sandboxes',
      ...(by === 'facade' ? { finalizers: [SANDBOX_FINALIZER] } : {}),
    },
    spec: {
      userId: `user-${id}`,
      templateRef: { name: 'default' },
      desiredState: 'Running',
      lifetime: DEFAULT_LIFETIME,
      workspace: { ephemeral: false, ...workspace },
    },
  }),
  isReady: ({ status }) => findCondition(status?.conditions, 'Ready')?.status === 'True',
});

/** The pod that a Sandbox had, of nobody. */
export const podArm = (name: string, like: Pod): Arm<Pod> => {
  const { nodeName: _scheduled, ...spec } = like.spec ?? {};
  return {
    name,
    type: PODS,
    build: (id) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: id, namespace: 'sandboxes' }, spec }),
    isReady: ({ status }) =>
      status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false,
  };
};
