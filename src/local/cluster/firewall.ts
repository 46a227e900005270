import { API_PORT, NODE_ADDRESS, POD_CIDR, POD_INTERFACE } from './network.ts';

/** A chain of our own, the rule that leads to it, and its rules, in iptables' notation. */
interface OwnChain {
  readonly table: 'filter' | 'nat';
  readonly chain: string;
  readonly from: string;
  readonly rules: readonly string[];
}

/**
 * What the pods' network needs of the machine's firewall, in chains of our own: a machine with Docker or a firewall
 * drops forwarded packets by default. All else in the tables is left alone.
 */
export const OWN_CHAINS: readonly OwnChain[] = [
  {
    table: 'filter',
    chain: 'MATRX-INPUT',
    from: 'INPUT',
    rules: [`-i ${POD_INTERFACE} -d ${NODE_ADDRESS}/32 -p tcp -m tcp --dport ${API_PORT} -j ACCEPT`],
  },
  {
    table: 'filter',
    chain: 'MATRX-FORWARD',
    from: 'FORWARD',
    rules: [
      `-s ${POD_CIDR} -i ${POD_INTERFACE} -j ACCEPT`,
      `-d ${POD_CIDR} -o ${POD_INTERFACE} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    ],
  },
  {
    table: 'nat',
    chain: 'MATRX-POSTROUTING',
    from: 'POSTROUTING',
    // A pod of another node is told who asks it: a policy judges by that.
    rules: [`-s ${POD_CIDR} ! -d ${POD_CIDR} ! -o ${POD_INTERFACE} -j MASQUERADE`],
  },
];

/** The input for `iptables-restore --noflush` that makes our chains what they should be. Jumps are added apart. */
export const ownChainsInput = (): string =>
  (['filter', 'nat'] as const)
    .map((table) => {
      const chains = OWN_CHAINS.filter((own) => own.table === table);
      return [
        `*${table}`,
        // Naming a chain here empties it first.
        ...chains.map(({ chain }) => `:${chain} - [0:0]`),
        ...chains.flatMap(({ chain, rules }) => rules.map((rule) => `-A ${chain} ${rule}`)),
        'COMMIT',
        '',
      ].join('\n');
    })
    .join('');

/** Chains that only this installation's parts make: kube-proxy, kubelet, the CNI plugins, k3s' flannel and router, ours. */
export const OWN_CHAIN_PREFIXES = /^(MATRX-|KUBE-|CNI-|FLANNEL-)/;

/** The names of all chains in the output of `iptables-save`, as "table chain". */
export const chainsIn = (saved: string): ReadonlySet<string> => {
  const chains = new Set<string>();
  let table = '';
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim();
    if (line.startsWith(':')) chains.add(`${table} ${line.slice(1).split(' ')[0]}`);
  }
  return chains;
};

/**
 * The input for `iptables-restore --noflush` that removes what has come since `before` was saved: chains with the
 * prefixes above that were not there then, and every rule that leads to one. Undefined when there is nothing. Rules of
 * the machine's owner that were added in the meantime stay.
 */
export const firewallCleanup = (before: string, now: string): string | undefined => {
  const known = chainsIn(before);
  const blocks: string[] = [];
  let table = '';
  let doomed = new Set<string>();
  let removals: string[] = [];
  for (const line of now.split('\n')) {
    if (line.startsWith('*')) {
      table = line.slice(1).trim();
      doomed = new Set(
        [...chainsIn(now)]
          .filter((key) => key.startsWith(`${table} `) && !known.has(key))
          .map((key) => key.slice(table.length + 1))
          .filter((chain) => OWN_CHAIN_PREFIXES.test(chain)),
      );
      removals = [];
    } else if (line.startsWith('-A ')) {
      const [, chain = ''] = line.split(' ');
      const target = / -[jg] (\S+)/.exec(line)?.[1] ?? '';
      if (doomed.has(target) && !doomed.has(chain)) removals.push(line.replace(/^-A/, '-D'));
    } else if (line === 'COMMIT' && doomed.size > 0) {
      const chains = [...doomed];
      blocks.push(
        [
          `*${table}`,
          ...chains.map((chain) => `:${chain} - [0:0]`),
          ...removals,
          ...chains.map((chain) => `-X ${chain}`),
          'COMMIT',
          '',
        ].join('\n'),
      );
    }
  }
  return blocks.length === 0 ? undefined : blocks.join('');
};
