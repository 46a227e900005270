import type { NamedPort, PolicyPort, Protocol } from './objects.ts';

/** Ports of one protocol, both ends included. */
export interface PortRange {
  readonly protocol: Protocol;
  readonly first: number;
  readonly last: number;
}

const LAST_PORT = 65_535;

/**
 * The ports of a rule as ranges, as few as there can be; `every` for a rule without ports, all of every protocol.
 * Names are looked up in `named`, the ports of the pod that is connected to; a name that it lacks is no port.
 */
export const resolvePorts = (
  ports: readonly PolicyPort[] | undefined,
  named: readonly NamedPort[],
): 'every' | readonly PortRange[] => {
  if (ports === undefined || ports.length === 0) return 'every';
  const ranges = ports.flatMap(({ protocol = 'TCP', port, endPort }): readonly PortRange[] => {
    if (port === undefined) return [{ protocol, first: 0, last: LAST_PORT }];
    if (typeof port === 'number') return [{ protocol, first: port, last: Math.max(port, endPort ?? port) }];
    return named
      .filter((candidate) => candidate.name === port && candidate.protocol === protocol)
      .map((found) => ({ protocol, first: found.port, last: found.port }));
  });
  return joinRanges(ranges);
};

/** nftables refuses sets with elements that overlap. */
const joinRanges = (ranges: readonly PortRange[]): readonly PortRange[] => {
  const sorted = ranges.toSorted((a, b) => a.protocol.localeCompare(b.protocol) || a.first - b.first);
  const joined: PortRange[] = [];
  for (const range of sorted) {
    const before = joined.at(-1);
    if (before !== undefined && before.protocol === range.protocol && range.first <= before.last + 1) {
      joined[joined.length - 1] = { ...before, last: Math.max(before.last, range.last) };
    } else joined.push(range);
  }
  return joined;
};

/** Whether a rule names a port, so that what it means depends on the pod that is connected to. */
export const hasNamedPort = (ports: readonly PolicyPort[] | undefined): boolean =>
  ports?.some(({ port }) => typeof port === 'string') ?? false;
