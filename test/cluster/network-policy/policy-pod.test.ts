import { expect, it } from '@jest/globals';
import type { Pod } from '../../../src/api/pod.ts';
import { isSamePod, policyPods, slimPod } from './policy-pod.ts';

const pod = (name: string, podIP: string | undefined, more: Partial<Pod> = {}): Pod => ({
  metadata: { name, namespace: 'sandboxes', labels: { app: name }, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { nodeName: 'here' },
  status: { phase: 'Running', ...(podIP === undefined ? {} : { podIP }) },
  ...more,
});
const namesOf = (pods: readonly Pod[]): readonly string[] => policyPods(pods).map(({ name }) => name);

it('pods without an address of their own are left out, and those that have ended', () => {
  const pods = [
    pod('runs', '10.244.0.2'),
    pod('starts', undefined),
    pod('on-the-node', '10.97.0.1', { spec: { nodeName: 'here', hostNetwork: true } }),
    pod('done', '10.244.0.3', { status: { phase: 'Succeeded', podIP: '10.244.0.3' } }),
    pod('failed', '10.244.0.4', { status: { phase: 'Failed', podIP: '10.244.0.4' } }),
    pod('ipv6', 'fd00::2'),
  ];
  expect(namesOf(pods)).toEqual(['runs']);
});

it('an address that two pods seem to have is the younger one: the older one is on its way out', () => {
  const older = pod('z-older', '10.244.0.2');
  const younger = pod('a-younger', '10.244.0.2', {
    metadata: { name: 'a-younger', namespace: 'sandboxes', creationTimestamp: '2026-01-01T00:00:01Z' },
  });
  expect(namesOf([younger, older])).toEqual(['a-younger']);
});

it('what is cached of a pod is what its rules are made from, and nothing else', () => {
  const full: Pod = {
    metadata: {
      name: 'a',
      namespace: 'sandboxes',
      uid: 'u',
      resourceVersion: '7',
      labels: { app: 'a' },
      annotations: { long: 'text' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'y' }],
    },
    spec: {
      nodeName: 'here',
      containers: [{ name: 'c', env: [{ name: 'A', value: 'b' }], ports: [{ name: 'web', containerPort: 80 }] }],
    },
    status: { phase: 'Running', podIP: '10.244.0.2', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const slim = slimPod(full);
  expect(slim).toEqual({
    metadata: { name: 'a', namespace: 'sandboxes', uid: 'u', resourceVersion: '7', labels: { app: 'a' } },
    spec: { nodeName: 'here', containers: [{ ports: [{ name: 'web', containerPort: 80 }] }] },
    status: { phase: 'Running', podIP: '10.244.0.2' },
  });
  expect(policyPods([slim])).toEqual(policyPods([full]));
});

it('an update matters that brings an address, another phase or other labels, and no other', () => {
  const before = slimPod(pod('a', '10.244.0.2'));
  const condition: Pod = pod('a', '10.244.0.2', {
    metadata: { ...before.metadata, resourceVersion: '9' },
    status: { phase: 'Running', podIP: '10.244.0.2', conditions: [{ type: 'Ready', status: 'True' }] },
  });
  expect(isSamePod(before, slimPod(condition))).toBe(true);
  expect(isSamePod(before, slimPod(pod('a', '10.244.0.3')))).toBe(false);
  expect(isSamePod(before, slimPod(pod('a', '10.244.0.2', { status: { phase: 'Failed' } })))).toBe(false);
  const relabelled = pod('a', '10.244.0.2', { metadata: { ...before.metadata, labels: { app: 'b' } } });
  expect(isSamePod(before, slimPod(relabelled))).toBe(false);
});
