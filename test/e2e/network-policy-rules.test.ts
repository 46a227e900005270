import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NetworkPolicy, PolicyPod, PolicyState } from '../cluster/network-policy/objects.ts';
import { ruleset } from '../cluster/network-policy/ruleset.ts';
import { makePodNetwork, type PodNetwork } from '../support/e2e/network/pod-network.ts';
import { at, everywhere } from '../support/e2e/network/reach.ts';

// The rules on the kernel itself: a bridge with pods, a node and a machine outside, each a network namespace. What the
// enforcer of the development cluster promises is shown here without a cluster.

const NETWORK = { table: 'matrx_test', node: 'here', bridge: 'matrx-pods', cidr: '10.244.0.0/24' };
const [SANDBOX, OTHER, FACADE, STRANGER, NODE] = [
  '10.244.0.11',
  '10.244.0.12',
  '10.244.0.13',
  '10.244.0.14',
  '10.244.0.1',
];
const [INTERNET, METADATA] = ['198.51.100.7', '169.254.169.254'];

const pod = (name: string, namespace: string, address: string): PolicyPod => ({
  namespace,
  name,
  node: 'here',
  labels: { name },
  address,
  ports: [{ name: 'http', protocol: 'TCP', port: 8000 }],
});
const POLICY: NetworkPolicy = {
  metadata: { name: 'sandboxes', namespace: 'sandboxes' },
  spec: {
    podSelector: {},
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ namespaceSelector: { matchLabels: { name: 'system' } } }], ports: [{ port: 49_983 }] }],
    egress: [
      { to: [{ namespaceSelector: {}, podSelector: { matchLabels: { name: 'facade' } } }], ports: [{ port: 'http' }] },
      { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8', '169.254.0.0/16', '192.0.2.0/24'] } }] },
    ],
  },
};
const STATE: PolicyState = {
  pods: [pod('sandbox', 'sandboxes', SANDBOX), pod('other', 'sandboxes', OTHER), pod('facade', 'system', FACADE)],
  namespaces: ['sandboxes', 'system'].map((name) => ({ name, labels: { name } })),
  policies: [POLICY],
};

let network: PodNetwork;
let linkLocal: string;

beforeAll(async () => {
  network = await makePodNetwork(NETWORK.bridge);
  await network.addPod('sandbox', SANDBOX, [5000, 49_983]);
  linkLocal = await network.addPod('other', OTHER, [5000, 49_983]);
  await network.addPod('facade', FACADE, [8000, 8081]);
  await network.addPod('stranger', STRANGER, [5000]);
  await network.addOutside('internet', [INTERNET, METADATA], [80]);
  await network.listenOnNode([6443]);
});
afterAll(() => network.remove());

/** What a sandbox must not reach, next to what it may. */
const REFUSED = [at(OTHER, 5000), at(OTHER, 49_983), at(FACADE, 8081), at(NODE, 6443), at(METADATA, 80)];
const PASSED = [at(FACADE, 8000), at(INTERNET, 80), at(SANDBOX, 5000), at('127.0.0.1', 5000)];

describe('the rules of network policies on a bridge', () => {
  it('stand between a sandbox and everything that it reaches without them', async () => {
    // Over IPv6, which nobody configured and every interface has.
    const neighbour = at(`${linkLocal}%eth0`, 5000);
    const targets = [...REFUSED, ...PASSED, neighbour];
    expect(await network.connect('sandbox', targets)).toEqual(everywhere(targets, 'open'));

    await network.load(ruleset(STATE, NETWORK));
    expect(await network.connect('sandbox', targets)).toEqual({
      ...everywhere(REFUSED, 'refused'),
      ...everywhere(PASSED, 'open'),
      [neighbour]: 'silent',
    });
  });

  it('let the facade in at the port of the daemon alone, and the node at any', async () => {
    await network.load(ruleset(STATE, NETWORK));
    const [daemon, program] = [at(SANDBOX, 49_983), at(SANDBOX, 5000)];
    expect(await network.connect('facade', [daemon, program])).toEqual({ [daemon]: 'open', [program]: 'refused' });
    expect(await network.connect('internet', [daemon])).toEqual({ [daemon]: 'refused' });
    // kubelet's probes come from there.
    expect(await network.connect('node', [daemon, program])).toEqual({ [daemon]: 'open', [program]: 'open' });
  });

  it('see the pods and the node behind Services', async () => {
    const [api, facade, operations] = [at('10.96.0.1', 443), at('10.96.0.7', 80), at('10.96.0.7', 81)];
    // As kube-proxy does it.
    await network.load(`table ip matrx_test_services {
      chain prerouting {
        type nat hook prerouting priority dstnat;
        ip daddr 10.96.0.1 tcp dport 443 dnat to ${NODE}:6443
        ip daddr 10.96.0.7 tcp dport 80 dnat to ${FACADE}:8000
        ip daddr 10.96.0.7 tcp dport 81 dnat to ${FACADE}:8081
      }
    }`);
    const services = [api, facade, operations];
    await network.load(ruleset({ ...STATE, policies: [] }, NETWORK));
    expect(await network.connect('sandbox', services)).toEqual(everywhere(services, 'open'));
    await network.load(ruleset(STATE, NETWORK));
    expect(await network.connect('sandbox', services)).toEqual({
      [api]: 'refused',
      [facade]: 'open',
      [operations]: 'refused',
    });
  });

  it('hold nothing against pods that no policy selects', async () => {
    await network.load(ruleset(STATE, NETWORK));
    const targets = [at(METADATA, 80), at(NODE, 6443), at(INTERNET, 80), at(STRANGER, 5000)];
    expect(await network.connect('facade', targets)).toEqual(everywhere(targets, 'open'));
  });

  it('let nothing out of a pod before anybody knows which policies hold for it', async () => {
    await network.load(ruleset(STATE, NETWORK));
    const targets = [at(FACADE, 8000), at(NODE, 6443), at(INTERNET, 80)];
    expect(await network.connect('stranger', targets)).toEqual(everywhere(targets, 'silent'));
    await network.load(ruleset({ ...STATE, pods: [...STATE.pods, pod('stranger', 'default', STRANGER)] }, NETWORK));
    expect(await network.connect('stranger', targets)).toEqual(everywhere(targets, 'open'));
  });

  it('are gone with the policy, and a wrong rule set leaves those before in force', async () => {
    const metadata = [at(METADATA, 80)];
    const open = ruleset({ ...STATE, policies: [] }, NETWORK);
    await network.load(ruleset(STATE, NETWORK));
    await expect(network.load(`${open}\nnonsense`)).rejects.toThrow('nonsense');
    expect(await network.connect('sandbox', metadata)).toEqual(everywhere(metadata, 'refused'));
    await network.load(open);
    expect(await network.connect('sandbox', metadata)).toEqual(everywhere(metadata, 'open'));
  });
});
