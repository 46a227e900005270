import type { Pod } from '../../../src/api/pod.ts';
import type { Tier } from '../../../src/node/publish-request.ts';
import { NODE } from './fake-cluster.ts';

/** The pod of the Sandbox that the fake cluster has, as it is bound to the node, with one volume of that name. */
export const boundPod = (name: string, tier: Tier) =>
  ({
    metadata: {
      name: 'demo',
      uid: 'pod-uid',
      resourceVersion: '2',
      ownerReferences: [
        { apiVersion: 'matrx.dev/v1alpha1', kind: 'Sandbox', name: 'demo', uid: 'sandbox-uid', controller: true },
      ],
    },
    spec: {
      nodeName: NODE,
      volumes: [{ name, csi: { driver: 'workspace.matrx.dev', volumeAttributes: { tier } } }],
    },
  }) satisfies Pod;
