import { describe, expect, it } from '@jest/globals';
import { foreignKubelet } from '../../../src/local/cluster/facts.ts';
import { nodeProblem } from '../../../src/local/cluster/node-status.ts';
import { reachableNameServers } from '../../../src/local/cluster/resolv-conf.ts';

describe('another kubelet on the machine', () => {
  const none = new Set<number>();

  it.each([
    [['/usr/bin/kubelet', '--config=/etc/kubelet.yaml']],
    [['/usr/local/bin/k3s', 'server']],
    [['/usr/local/bin/k3s', 'agent', '--server=https://192.0.2.1:6443']],
    [['/var/lib/other/bin/kube', 'kubelet']],
  ])('is found: %j', (argv) => {
    expect(foreignKubelet([{ pid: 7, argv }], none)).toEqual({ pid: 7, argv });
  });

  it.each([[['k3s', 'kubectl', 'get', 'nodes']], [['vim', 'kubelet']], [['kubectl', 'kubelet']]])(
    'is not: %j',
    (argv) => {
      const found = foreignKubelet([{ pid: 7, argv }], none);
      expect(found).toBeUndefined();
    },
  );

  it('is not our own', () => {
    expect(foreignKubelet([{ pid: 7, argv: ['/x/kube', 'kubelet'] }], new Set([7]))).toBeUndefined();
  });
});

describe('a node takes pods', () => {
  const at = (lastHeartbeatTime: string, status = 'True') => ({
    spec: { podCIDR: '10.244.0.0/24' },
    status: { conditions: [{ type: 'Ready', status, lastHeartbeatTime, message: 'CNI is missing' }] },
  });
  const since = Date.parse('2026-01-01T00:00:10Z');

  it('once its kubelet has reported after its start', () => {
    expect(nodeProblem(at('2026-01-01T00:00:09Z'), since)).toBe('it has not reported yet');
    expect(nodeProblem(at('2026-01-01T00:00:10Z'), since)).toBeUndefined();
  });

  it('and not while it says why it is not ready', () => {
    expect(nodeProblem(at('2026-01-01T00:00:10Z', 'False'), since)).toContain('CNI is missing');
  });

  it('and not without addresses for pods', () => {
    expect(nodeProblem({ ...at('2026-01-01T00:00:10Z'), spec: {} }, since)).toContain('pod addresses');
  });
});

it('pods get the name servers that are not on the loopback of the machine', () => {
  expect(reachableNameServers('# hello\nnameserver 127.0.0.53\nnameserver 192.0.2.53\nsearch x\n')).toEqual([
    '192.0.2.53',
  ]);
});
