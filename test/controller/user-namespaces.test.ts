import { describe, expect, test } from '@jest/globals';
import type { Node } from '../../src/api/node.ts';
import type { Pod } from '../../src/api/pod.ts';
import { placeInUserNamespace } from '../../src/controller/user-namespaces.ts';
import { desiredPod } from '../../src/domain/desired-pod.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';

type Handlers = NonNullable<Node['status']>['runtimeHandlers'];

const aNode = (name: string, runtimeHandlers?: Handlers): Node => ({
  metadata: { name },
  ...(runtimeHandlers === undefined ? {} : { status: { runtimeHandlers } }),
});

const clientOf = (nodes: readonly Node[]): Pick<KubeClient, 'list'> => ({
  list: (() => Promise.resolve({ items: nodes, resourceVersion: '1' })) as unknown as KubeClient['list'],
});

const place = (pod: Pod, nodes: readonly Node[]) =>
  placeInUserNamespace(clientOf(nodes), pod, new AbortController().signal);

const WITH_SUDO = desiredPod(aSandbox().build(), aTemplate('default', { security: { sudo: true } }));

describe('a pod with a user namespace of its own', () => {
  test('is kept to the nodes whose runtime has them for pods without a RuntimeClass', async () => {
    const placed = await place(WITH_SUDO, [
      aNode('old', [{ name: 'runc', features: { userNamespaces: true } }, { features: { userNamespaces: false } }]),
      aNode('silent'),
      aNode('able', [{ name: '', features: { userNamespaces: true } }]),
      aNode('able-too', [{ features: { userNamespaces: true } }]),
    ]);
    expect(JSON.stringify(placed)).not.toMatch(/"old"|"silent"/);
    expect(placed).toMatchObject({
      pod: {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: ['able', 'able-too'].map((name) => ({
                  matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }],
                })),
              },
            },
          },
        },
      },
    });
  });

  test('is not made where no node has them, and what to do is said', async () => {
    const refused = {
      refusal: { reason: 'UserNamespacesUnavailable', message: expect.stringContaining('update a node') },
    };
    expect(await place(WITH_SUDO, [aNode('old', [{ name: '' }])])).toMatchObject(refused);
    expect(await place(WITH_SUDO, [])).toMatchObject(refused);
  });

  test('of a RuntimeClass is left to it', async () => {
    const pod: Pod = { ...WITH_SUDO, spec: { ...WITH_SUDO.spec, runtimeClassName: 'kata' } };
    expect(await place(pod, [])).toEqual({ pod });
  });
});

test('any other pod is made as it is, and no node is looked at', async () => {
  const pod = desiredPod(aSandbox().build(), aTemplate());
  const client = { list: () => Promise.reject(new Error('nobody asked for nodes')) };
  expect(await placeInUserNamespace(client, pod, new AbortController().signal)).toEqual({ pod });
});
