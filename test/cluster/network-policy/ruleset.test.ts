import { describe, expect, it } from '@jest/globals';
import type { NetworkPolicy, PolicyPod, PolicyState } from './objects.ts';
import { ruleset } from './ruleset.ts';

const pod = (name: string, address: string, more: Partial<PolicyPod> = {}): PolicyPod => ({
  namespace: 'sandboxes',
  name,
  node: 'here',
  labels: { app: name },
  address,
  ports: [],
  ...more,
});

const policy = (spec: Partial<NetworkPolicy['spec']>, name = 'one', namespace = 'sandboxes'): NetworkPolicy => ({
  metadata: { name, namespace },
  spec: { podSelector: {}, ...spec },
});

const NAMESPACES = [
  { name: 'sandboxes', labels: { team: 'agents' } },
  { name: 'system', labels: { team: 'platform' } },
];
const PODS = [
  pod('a', '10.244.0.11'),
  pod('b', '10.244.0.12'),
  pod('facade', '10.244.0.13', { namespace: 'system', ports: [{ name: 'http', protocol: 'TCP', port: 8000 }] }),
];

const rulesOf = (policies: readonly NetworkPolicy[], pods = PODS): string => {
  const state: PolicyState = { pods, namespaces: NAMESPACES, policies };
  return ruleset(state, { table: 'policies', node: 'here', bridge: 'pods', cidr: '10.244.0.0/24' });
};

/** The rules of a chain without their comments; the last one refuses what is left. */
const chain = (text: string, name: string): readonly string[] | undefined => {
  const lines = text.split('\n').map((line) => line.trim());
  const start = lines.indexOf(`chain ${name} {`);
  if (start === -1) return undefined;
  return lines.slice(start + 1, lines.indexOf('}', start)).map((line) => line.replace(/ comment ".*"$/, ''));
};
const elements = (text: string, name: string): string | undefined =>
  new RegExp(`(?:set|map) ${name} \\{[^}]*elements = \\{ ([^}]*) \\}`).exec(text)?.[1];

const REFUSE = ['ct status dnat counter reject', 'meta l4proto tcp counter reject with tcp reset', 'counter reject'];

describe('which pods are isolated', () => {
  it('none without a policy: all are known, and nothing is refused', () => {
    const text = rulesOf([]);
    expect(elements(text, 'known')).toBe('10.244.0.11, 10.244.0.12, 10.244.0.13');
    expect(elements(text, 'ingress')).toBeUndefined();
    expect(elements(text, 'egress')).toBeUndefined();
    expect(text).not.toContain('reject');
  });

  it('those that its selector selects in its own namespace', () => {
    const text = rulesOf([policy({ podSelector: { matchLabels: { app: 'a' } } })]);
    expect(elements(text, 'ingress')).toBe('10.244.0.11 : jump ingress_0');
    const everywhere = rulesOf([policy({})]);
    expect(elements(everywhere, 'ingress')).toBe('10.244.0.11 : jump ingress_0, 10.244.0.12 : jump ingress_0');
  });

  it('for ingress where no type is given, and for egress as well where the policy has a rule for it', () => {
    expect(elements(rulesOf([policy({ ingress: [{}] })]), 'egress')).toBeUndefined();
    const both = rulesOf([policy({ egress: [{}] })]);
    expect(chain(both, 'ingress_0')).toEqual([...REFUSE]);
    expect(chain(both, 'egress_0')).toEqual(['return', ...REFUSE]);
    const egressAlone = rulesOf([policy({ policyTypes: ['Egress'] })]);
    expect(elements(egressAlone, 'ingress')).toBeUndefined();
    expect(chain(egressAlone, 'egress_0')).toEqual([...REFUSE]);
  });

  it('only those of the node itself: others are isolated where they are', () => {
    const text = rulesOf(
      [policy({ policyTypes: ['Ingress', 'Egress'] })],
      [pod('far', '10.244.1.5', { node: 'there' })],
    );
    expect(elements(text, 'known')).toBeUndefined();
    expect(elements(text, 'egress')).toBeUndefined();
  });
});

describe('what a policy lets through', () => {
  const egressTo = (...to: NonNullable<NonNullable<NetworkPolicy['spec']['egress']>[0]['to']>) =>
    chain(rulesOf([policy({ policyTypes: ['Egress'], egress: [{ to }] })]), 'egress_0');

  it('a pod selector means pods of its own namespace', () => {
    expect(egressTo({ podSelector: {} })).toEqual(['ip daddr { 10.244.0.11, 10.244.0.12 } return', ...REFUSE]);
    expect(egressTo({ podSelector: { matchLabels: { app: 'facade' } } })).toEqual([...REFUSE]);
  });

  it('a namespace selector means all pods of these, with a pod selector only some', () => {
    expect(egressTo({ namespaceSelector: { matchLabels: { team: 'platform' } } })).toEqual([
      'ip daddr { 10.244.0.13 } return',
      ...REFUSE,
    ]);
    expect(egressTo({ namespaceSelector: {}, podSelector: { matchLabels: { app: 'b' } } })).toEqual([
      'ip daddr { 10.244.0.12 } return',
      ...REFUSE,
    ]);
  });

  it('a block means its addresses without the excepted ones, however these are written', () => {
    expect(
      egressTo({ ipBlock: { cidr: '0.0.0.0/0', except: ['10.1.0.0/16', '10.7.7.7/8', '169.254.169.254/32'] } }),
    ).toEqual(['ip daddr 0.0.0.0/0 ip daddr != { 10.0.0.0/8, 169.254.169.254/32 } return', ...REFUSE]);
    expect(egressTo({ ipBlock: { cidr: '192.168.7.9/16' } })).toEqual(['ip daddr 192.168.0.0/16 return', ...REFUSE]);
  });

  it('nothing of a block of IPv6, which the pods do not have', () => {
    expect(egressTo({ ipBlock: { cidr: '2000::/3' } })).toEqual([...REFUSE]);
  });

  it('nobody is not everybody: a peer that selects no pod lets nothing through', () => {
    expect(egressTo({ podSelector: { matchLabels: { app: 'gone' } } })).toEqual([...REFUSE]);
    expect(egressTo()).toEqual(['return', ...REFUSE]);
  });

  it('peers of ingress are sources', () => {
    const text = rulesOf([policy({ ingress: [{ from: [{ namespaceSelector: {} }], ports: [{ port: 49_983 }] }] })]);
    expect(chain(text, 'ingress_0')).toEqual([
      'ip saddr { 10.244.0.11, 10.244.0.12, 10.244.0.13 } tcp dport { 49983 } return',
      ...REFUSE,
    ]);
  });

  it('policies of one pod add up, and name themselves in their rules', () => {
    const text = rulesOf([
      policy({ policyTypes: ['Egress'], egress: [{ ports: [{ port: 443 }] }] }, 'web'),
      policy({ policyTypes: ['Egress'], egress: [{ ports: [{ protocol: 'UDP', port: 53 }] }] }, 'names'),
      policy({ policyTypes: ['Egress'], egress: [{}] }, 'other', 'system'),
    ]);
    expect(chain(text, 'egress_0')).toEqual(['udp dport { 53 } return', 'tcp dport { 443 } return', ...REFUSE]);
    expect(text).toContain('comment "sandboxes/names"');
    expect(elements(text, 'egress')).toBe(
      '10.244.0.11 : jump egress_0, 10.244.0.12 : jump egress_0, 10.244.0.13 : jump egress_1',
    );
  });
});

describe('ports', () => {
  const egressPorts = (...ports: NonNullable<NonNullable<NetworkPolicy['spec']['egress']>[0]['ports']>) =>
    chain(rulesOf([policy({ policyTypes: ['Egress'], egress: [{ ports }] })]), 'egress_0');

  it('are of TCP unless said otherwise, ranges up to endPort, all of a protocol without a number', () => {
    expect(egressPorts({ port: 80 }, { protocol: 'UDP', port: 1000, endPort: 2000 }, { protocol: 'SCTP' })).toEqual([
      'sctp dport { 0-65535 } return',
      'tcp dport { 80 } return',
      'udp dport { 1000-2000 } return',
      ...REFUSE,
    ]);
  });

  it('that overlap or touch become one range, which nftables needs', () => {
    expect(egressPorts({ port: 80, endPort: 90 }, { port: 85 }, { port: 91, endPort: 95 }, { port: 97 })).toEqual([
      'tcp dport { 80-95, 97 } return',
      ...REFUSE,
    ]);
  });

  it('of egress by name are those of each pod that is connected to, and of no other address', () => {
    expect(egressPorts({ port: 'http' })).toEqual(['ip daddr { 10.244.0.13 } tcp dport { 8000 } return', ...REFUSE]);
    const text = rulesOf([
      policy({
        policyTypes: ['Egress'],
        egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port: 'http' }, { port: 443 }] }],
      }),
    ]);
    expect(chain(text, 'egress_0')).toEqual(['ip daddr 0.0.0.0/0 tcp dport { 443 } return', ...REFUSE]);
  });

  it('of ingress by name are those of the isolated pod: pods that differ in them do not share their rules', () => {
    const web = (port: number) => ({ ports: [{ name: 'web', protocol: 'TCP' as const, port }] });
    const text = rulesOf(
      [policy({ ingress: [{ ports: [{ port: 'web' }] }] })],
      [pod('a', '10.244.0.11', web(80)), pod('b', '10.244.0.12', web(8080)), pod('c', '10.244.0.13')],
    );
    expect(chain(text, 'ingress_0')).toEqual(['tcp dport { 80 } return', ...REFUSE]);
    expect(chain(text, 'ingress_1')).toEqual(['tcp dport { 8080 } return', ...REFUSE]);
    expect(chain(text, 'ingress_2')).toEqual([...REFUSE]);
  });
});

it('all of it is one transaction that replaces the table, also where there was none', () => {
  expect(rulesOf([]).split('\n').slice(0, 3)).toEqual([
    'table inet policies',
    'delete table inet policies',
    'table inet policies {',
  ]);
});
