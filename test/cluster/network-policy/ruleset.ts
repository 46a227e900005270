import type { PolicyState } from './objects.ts';
import { type Allowance, type IsolatedPods, isolatedPods } from './isolation.ts';
import type { PortRange } from './ports.ts';

export interface PodNetwork {
  /** The name of the nftables table that holds all of it. */
  readonly table: string;
  /** The node whose pods the rules are for; pods of others are peers. */
  readonly node: string;
  /** The bridge of the pods. */
  readonly bridge: string;
  /** The addresses of the node's pods. */
  readonly cidr: string;
}

/**
 * The whole table as input for `nft -f -`, which replaces what was there in one transaction.
 *
 * What goes from pod to pod passes `forward` too: with bridge-nf-call-iptables the kernel shows bridged packets to this
 * family. Services are resolved before, so that rules see the pods behind them. The node's own connections to pods
 * (kubelet's probes) are neither forwarded nor come in at the bridge, and pass; so do answers.
 *
 * An address of the pods' range that is no known pod's is not heard: kubelet reports a pod's address when its processes
 * run already, and until then nobody knows which policies hold for it. Its first packets are dropped, not refused, so
 * that TCP sends them again.
 */
export const ruleset = (state: PolicyState, { table, node, bridge, cidr }: PodNetwork): string => {
  const egress = isolatedPods(state, node, 'egress');
  const ingress = isolatedPods(state, node, 'ingress');
  const known = state.pods
    .filter((pod) => pod.node === node)
    .map(({ address }) => address)
    .toSorted();
  return `table inet ${table}
delete table inet ${table}
table inet ${table} {
${setOf('known', 'ipv4_addr', known)}
${setOf(
  'to_itself',
  'ipv4_addr . ipv4_addr',
  known.map((address) => `${address} . ${address}`),
)}
${mapOf('egress', egress)}
${mapOf('ingress', ingress)}
	chain forward {
		type filter hook forward priority filter; policy accept;
		ct state established,related accept
		ip saddr . ip daddr @to_itself accept
		iifname "${bridge}" jump from_pod
		ip daddr vmap @ingress
	}
	chain input {
		type filter hook input priority filter; policy accept;
		ct state established,related accept
		iifname "${bridge}" jump from_pod
	}
	chain from_pod {
		meta nfproto ipv6 counter drop comment "the pods' network has none, and link-local addresses would pass by"
		ip saddr ${cidr} ip saddr != @known counter drop comment "not known yet"
		ip saddr vmap @egress
	}
${[...egress, ...ingress].map((group) => chainOf(group, chainName(group, egress, ingress))).join('')}}
`;
};

const setOf = (name: string, type: string, elements: readonly string[]): string =>
  `	set ${name} {\n		type ${type}\n${elementsOf(elements)}	}`;

const mapOf = (name: string, groups: readonly IsolatedPods[]): string => {
  const elements = groups.flatMap(({ addresses, direction }, index) =>
    addresses.map((address) => `${address} : jump ${direction}_${index}`),
  );
  return `	map ${name} {\n		type ipv4_addr : verdict\n${elementsOf(elements)}	}`;
};

const elementsOf = (elements: readonly string[]): string =>
  elements.length === 0 ? '' : `		elements = { ${elements.join(', ')} }\n`;

const chainName = (group: IsolatedPods, egress: readonly IsolatedPods[], ingress: readonly IsolatedPods[]): string =>
  `${group.direction}_${(group.direction === 'egress' ? egress : ingress).indexOf(group)}`;

const chainOf = (group: IsolatedPods, name: string): string => {
  const address = group.direction === 'egress' ? 'ip daddr' : 'ip saddr';
  const rules = group.allowances.flatMap((allowance) =>
    portMatches(allowance.ports).map((ports) =>
      [peerMatch(allowance, address), ports, 'return', `comment "${allowance.policy.slice(0, MAX_COMMENT)}"`]
        .filter((part) => part !== '')
        .join(' '),
    ),
  );
  return `	chain ${name} {\n${rules.map((rule) => `		${rule}\n`).join('')}${REFUSE}	}\n`;
};

/**
 * TCP with its own refusal: of ICMP's the kernel sends a pod one a second after the first few, and whoever tries many
 * addresses would wait for each. But with ICMP's behind a Service: what the kernel resets on a bridge does not get the
 * Service's address back as its source, and the pod would not know it.
 */
const REFUSE = ['ct status dnat counter reject', 'meta l4proto tcp counter reject with tcp reset', 'counter reject']
  .map((rule) => `\t\t${rule}\n`)
  .join('');

/** Bytes that the kernel keeps of a rule's comment. */
const MAX_COMMENT = 120;

const peerMatch = ({ peers }: Allowance, address: string): string => {
  switch (peers.kind) {
    case 'everybody':
      return '';
    case 'pods':
      return `${address} { ${peers.pods.map((pod) => pod.address).join(', ')} }`;
    case 'block':
    default:
      return `${address} ${peers.cidr}${peers.except.length === 0 ? '' : ` ${address} != { ${peers.except.join(', ')} }`}`;
  }
};

/** One match a protocol; a single empty one for every port of every protocol. */
const portMatches = (ports: 'every' | readonly PortRange[]): readonly string[] => {
  if (ports === 'every') return [''];
  const protocols = [...new Set(ports.map(({ protocol }) => protocol))];
  return protocols.map((protocol) => {
    const ranges = ports
      .filter((range) => range.protocol === protocol)
      .map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
    return `${protocol.toLowerCase()} dport { ${ranges.join(', ')} }`;
  });
};
