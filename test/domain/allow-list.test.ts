import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parseAllDocuments } from 'yaml';
import { NEVER_REACHED, type AllowedTarget } from '../../src/api/allow-list.ts';
import type { NetworkPolicy } from '../../src/api/network-policy.ts';
import type { Node } from '../../src/api/node.ts';
import { containsCidr } from '../../src/base/cidr.ts';
import { egressPolicy, refusedTarget, SPECIAL_RANGES } from '../../src/domain/allow-list.ts';
import { podRevision } from '../../src/domain/pod-revision.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';
import { demo, held, kinds, planned, running, said } from './planning.ts';

const listing = (...allowList: readonly AllowedTarget[]) =>
  aTemplate('closed', { network: { egress: 'AllowList', allowList: [...allowList] } });

const node: Node = {
  metadata: { name: 'node-1', uid: 'uid-of-node-1' },
  spec: { podCIDRs: ['10.244.0.0/24', 'fd00:244::/64'] },
  status: {
    addresses: [
      { type: 'Hostname', address: 'node-1' },
      { type: 'InternalIP', address: '10.0.0.5' },
      { type: 'ExternalIP', address: '198.51.100.7' },
    ],
    conditions: [{ type: 'Ready', status: 'True' }],
  },
};
const nodes = new Map([['node-1', node]]);

const policyOf = (...allowList: readonly AllowedTarget[]): NetworkPolicy => {
  const made = egressPolicy(demo.build(), listing(...allowList), nodes);
  if (made === undefined) throw new Error('there is no policy');
  return made.policy;
};
const exceptOf = (cidr: string): readonly string[] | undefined =>
  policyOf({ cidr }).spec.egress[0]?.to[0].ipBlock.except;

describe('the policy of an allow-list', () => {
  test('opens what the list names, to the one pod with its label, and belongs to the Sandbox', () => {
    const https = { cidr: '203.0.113.0/24', ports: [{ protocol: 'TCP' as const, port: 443, endPort: 444 }] };
    const { key, policy } = egressPolicy(demo.build(), listing(https, { cidr: '10.20.30.40/32' }), nodes)!;
    expect(policy).toMatchObject({
      metadata: {
        name: `demo-allows-${key}`,
        ownerReferences: [{ kind: 'Sandbox', name: 'demo', uid: 'uid-of-demo' }],
      },
      spec: {
        podSelector: { matchLabels: { 'matrx.dev/allow-list': key } },
        policyTypes: ['Egress'],
        egress: [
          { to: [{ ipBlock: { cidr: '203.0.113.0/24' } }], ports: [{ protocol: 'TCP', port: 443, endPort: 444 }] },
          { to: [{ ipBlock: { cidr: '10.20.30.40/32' } }] },
        ],
      },
    });
  });

  test('leaves the node and its pods out of a private network that is opened', () => {
    expect(exceptOf('10.0.0.0/8')).toEqual(['10.0.0.5/32', '10.244.0.0/24']);
    expect(exceptOf('fc00::/7')).toEqual(['fd00:244::/64', 'fd00:ec2::/32']);
    expect(exceptOf('10.20.0.0/16')).toBeUndefined();
  });

  test('takes a block that is wider than a private network for the internet, as the policy of the internet does', () => {
    const text = readFileSync(new URL('../../manifests/base/network-policy.yaml', import.meta.url), 'utf8');
    const internet = parseAllDocuments(text)
      .map((document) => document.toJS() as NetworkPolicy)
      .find(({ metadata }) => metadata.name === 'matrx-sandboxes-internet');
    const peers: readonly { readonly ipBlock: { readonly cidr: string; readonly except?: readonly string[] } }[] =
      internet?.spec.egress[0]?.to ?? [];
    const exceptIn = Object.fromEntries(peers.map(({ ipBlock: { cidr, except = [] } }) => [cidr, except]));
    expect(Object.keys(exceptIn)).toEqual(['0.0.0.0/0', '2000::/3']);
    expect(exceptOf('0.0.0.0/0')).toEqual([...(exceptIn['0.0.0.0/0'] ?? []), '198.51.100.7/32'].toSorted());
    expect(exceptOf('2000::/3')).toEqual([...(exceptIn['2000::/3'] ?? [])].toSorted());
  });

  test('has nothing in it that is never reached, or the cluster’s own, whatever is listed', () => {
    const block = fc.tuple(fc.nat(0xff_ff_ff_ff), fc.integer({ min: 0, max: 32 })).map(([bits, length]) => {
      const masked = length === 0 ? 0 : ((bits >>> (32 - length)) << (32 - length)) >>> 0;
      return `${[24, 16, 8, 0].map((shift) => (masked >>> shift) & 255).join('.')}/${length}`;
    });
    const closed = [...NEVER_REACHED, '10.0.0.5/32', '198.51.100.7/32', '10.244.0.0/24'];
    fc.assert(
      fc.property(block, (cidr) => {
        const isRefused = refusedTarget(listing({ cidr }), nodes) !== undefined;
        const isNever = NEVER_REACHED.some((range) => containsCidr(range, cidr));
        if (isRefused || isNever) return;
        const except = exceptOf(cidr) ?? [];
        for (const range of closed.filter((each) => containsCidr(cidr, each)))
          expect(except.some((each) => containsCidr(each, range))).toBe(true);
        // The API server takes only what lies within, and nothing twice.
        for (const each of except) {
          expect(containsCidr(cidr, each) && each !== cidr).toBe(true);
          expect(except.filter((other) => containsCidr(other, each))).toEqual([each]);
        }
      }),
    );
  });

  test('is another one for another list, another Sandbox of the same name and other nodes, and the same otherwise', () => {
    const keyOf = (sandbox = demo.build(), cidr = '203.0.113.0/24', seen = nodes): string | undefined =>
      egressPolicy(sandbox, listing({ cidr }), seen)?.key;
    const again = aSandbox('demo').finalized().build();
    const another = { ...again, metadata: { ...again.metadata, uid: 'another' } };
    expect(keyOf()).toBe(keyOf(again));
    expect(keyOf(another)).not.toBe(keyOf());
    expect(keyOf(undefined, '203.0.113.0/25')).not.toBe(keyOf());
    expect(keyOf(undefined, '10.0.0.0/8', new Map())).not.toBe(keyOf(undefined, '10.0.0.0/8'));
  });

  test('is for templates with an allow-list alone', () => {
    for (const egress of ['Internet', 'None'] as const)
      expect(egressPolicy(demo.build(), aTemplate('open', { network: { egress } }), nodes)).toBeUndefined();
    expect(SPECIAL_RANGES).toEqual(expect.arrayContaining([...NEVER_REACHED]));
  });
});

describe('a Sandbox whose template has an allow-list', () => {
  const template = listing({ cidr: '203.0.113.0/24' });

  test('gets the policy before the pod, which is closed but for it', () => {
    const actions = planned(demo, { template, nodes, workspace: held() });
    expect(kinds(actions)).toEqual(['createNetworkPolicy', 'createPod', 'requeue']);
    const { key } = egressPolicy(demo.build(), template, nodes)!;
    expect(actions).toContainEqual(
      expect.objectContaining({
        kind: 'createPod',
        pod: expect.objectContaining({
          metadata: expect.objectContaining({
            labels: expect.objectContaining({ 'matrx.dev/egress': 'none', 'matrx.dev/allow-list': key }) as unknown,
          }) as unknown,
        }) as unknown,
      }),
    );
  });

  test('gets no pod while the list names a node or pods, and says which entry', () => {
    for (const [cidr, whose] of [
      ['10.0.0.5/32', 'the node node-1 itself'],
      ['198.51.100.7/32', 'the node node-1 itself'],
      ['10.244.0.0/25', 'the pods of node node-1'],
    ] as const) {
      const actions = planned(demo, { template: listing({ cidr: '1.1.1.1/32' }, { cidr }), nodes, workspace: held() });
      expect(kinds(actions)).toEqual(['writeSandboxStatus', 'requeue']);
      expect(said(actions, 'Stalled')).toMatchObject({
        reason: 'AllowListRefused',
        message: `SandboxTemplate closed: spec.network.allowList[1].cidr ${cidr}: that is ${whose}, which no sandbox is let to; take it out of the list`,
      });
    }
  });

  test('keeps the pod that it has when the list is edited', () => {
    const actions = planned(demo, { template, nodes, workspace: held(['Open']), pod: running });
    expect(kinds(actions)).not.toContain('deletePod');
    expect(kinds(actions)).not.toContain('createNetworkPolicy');
  });

  test('has another revision of its pod with another list, so that one that cannot start is replaced', () => {
    const revision = (cidr: string): string => podRevision(demo.build(), listing({ cidr }));
    expect(revision('203.0.113.0/24')).toBe(revision('203.0.113.0/24'));
    expect(revision('203.0.113.0/25')).not.toBe(revision('203.0.113.0/24'));
  });
});
