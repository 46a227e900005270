import { readFile } from 'node:fs/promises';

/** systemd-resolved keeps the real servers here when /etc/resolv.conf names its own loopback address. */
const CANDIDATES = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'] as const;

/** The name servers of a resolv.conf that a pod can reach: not those on the machine's loopback. */
export const reachableNameServers = (resolvConf: string): readonly string[] =>
  resolvConf
    .split('\n')
    .flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? [])
    .filter((address) => !address.startsWith('127.') && address !== '::1');

/**
 * Where pods get their names resolved: the file whose name servers they can reach, and those servers. The cluster has
 * no DNS of its own; kubelet gives pods these servers in its place, where without any it would warn at every pod.
 */
export const findResolver = async (): Promise<{ readonly path: string; readonly servers: readonly string[] }> => {
  for (const path of CANDIDATES) {
    const servers = reachableNameServers(await readFile(path, 'utf8').catch(() => ''));
    if (servers.length > 0) return { path, servers };
  }
  return { path: CANDIDATES[0], servers: [] };
};
