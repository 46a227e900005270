import { readFileSync } from 'node:fs';
import { BlockList, isIPv4 } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { isPublic } from '../../src/facade/webhooks/target.ts';
import {
  closedAddresses,
  type EgressPolicy,
  INTERNET_POLICY,
  resolverPolicy,
} from '../../src/local/sandbox-network.ts';

const manifest = readFileSync(new URL('../../manifests/base/network-policy.yaml', import.meta.url), 'utf8');
const policies = parseAllDocuments(manifest).map((document) => document.toJS() as EgressPolicy);
const internet = policies.find(({ metadata }) => metadata.name === INTERNET_POLICY);
if (internet === undefined) throw new Error(`no ${INTERNET_POLICY} in the manifests`);

const subnet = (cidr: string): BlockList => {
  const [address = '', length] = cidr.split('/');
  const block = new BlockList();
  block.addSubnet(address, Number(length), isIPv4(address) ? 'ipv4' : 'ipv6');
  return block;
};
const isOpen = (address: string): boolean => {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6';
  const peers = internet.spec.egress?.flatMap(({ to = [] }) => to.flatMap(({ ipBlock }) => ipBlock ?? [])) ?? [];
  return peers.some(
    ({ cidr, except = [] }) =>
      subnet(cidr).check(address, family) && !except.some((each) => subnet(each).check(address, family)),
  );
};

describe('the internet of the sandboxes', () => {
  it.each(['1.1.1.1', '8.8.8.8', '100.63.255.255', '172.32.0.1', '192.0.1.1', '223.255.255.255', '2606:4700::1111'])(
    'has %s in it',
    (address) => {
      expect(isOpen(address)).toBe(true);
      expect(isPublic(address)).toBe(true);
    },
  );

  it.each([
    '169.254.169.254',
    '169.254.169.253',
    '169.254.170.2',
    '169.254.170.23',
    'fd00:ec2::254',
    'fd00:ec2::23',
    '10.0.0.1',
    '10.96.0.1',
    '10.244.0.7',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '0.0.0.0',
    '192.0.0.192',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '::1',
    'fe80::1',
    'ff02::1',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '2001::1',
  ])('has not got %s in it', (address) => {
    expect(isOpen(address)).toBe(false);
  });
});

describe('addresses of a node that are not private', () => {
  it('are taken out of the block that they are in, each once', () => {
    expect(closedAddresses(internet, ['192.0.2.2', '10.0.0.5', '192.0.2.2', 'fe80::1', '2600:1f18::5', '::1'])).toEqual(
      [
        { op: 'add', path: '/spec/egress/0/to/0/ipBlock/except/-', value: '192.0.2.2/32' },
        { op: 'add', path: '/spec/egress/0/to/1/ipBlock/except/-', value: '2600:1f18::5/128' },
      ],
    );
  });

  it('need nothing where all are private', () => {
    expect(closedAddresses(internet, ['10.97.0.1', '127.0.0.1', 'fd00::2'])).toEqual([]);
  });
});

it('name servers that are no pods may be asked for names, and for nothing else', () => {
  expect(resolverPolicy('sandboxes', ['10.0.0.2', 'fd00::53'])).toMatchObject({
    metadata: { namespace: 'sandboxes' },
    spec: {
      policyTypes: ['Egress'],
      egress: [
        {
          to: [{ ipBlock: { cidr: '10.0.0.2/32' } }, { ipBlock: { cidr: 'fd00::53/128' } }],
          ports: [
            { protocol: 'UDP', port: 53 },
            { protocol: 'TCP', port: 53 },
          ],
        },
      ],
    },
  });
});
