import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../command.ts';
import { HOMES_ROOT, KUBELET_ROOT } from '../paths.ts';
import { OWN_CHAINS, firewallCleanup, ownChainsInput } from './firewall.ts';
import { type ClusterNode, NODE_INTERFACE } from './network.ts';
import { hasPolicyTable, removePolicyTable } from './policy-table.ts';

/** Settings of the machine that the cluster's parts change; `down` puts the old values back. */
const KERNEL_SETTINGS = [
  'net/ipv4/ip_forward',
  'net/bridge/bridge-nf-call-iptables',
  'net/bridge/bridge-nf-call-ip6tables',
  'vm/overcommit_memory',
  'kernel/panic',
  'kernel/panic_on_oops',
] as const;

interface HostBefore {
  readonly settings: Readonly<Record<string, string>>;
  /** Mount points whose propagation was private. */
  readonly privateMounts: readonly string[];
  readonly iptables: string;
  readonly ip6tables: string;
}

const beforePath = (state: string): string => join(state, 'host-before.json');

const readSetting = (name: string): Promise<string | undefined> =>
  readFile(`/proc/sys/${name}`, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );

const save = (program: 'iptables-save' | 'ip6tables-save'): Promise<string> => run([program]).catch(() => '');

/** Notes, once, what the machine was like, so that `restoreHost` removes exactly what came. */
export const recordHost = async (state: string): Promise<HostBefore> => {
  const known = await readRecord(state);
  if (known !== undefined) return known;
  const settings: Record<string, string> = {};
  for (const name of KERNEL_SETTINGS) {
    const value = await readSetting(name);
    if (value !== undefined) settings[name] = value;
  }
  const [iptables, ip6tables] = await Promise.all([save('iptables-save'), save('ip6tables-save')]);
  const before: HostBefore = { settings, privateMounts: await privateMounts(), iptables, ip6tables };
  await mkdir(state, { recursive: true, mode: 0o700 });
  await writeFile(beforePath(state), `${JSON.stringify(before, null, 2)}\n`, { mode: 0o600 });
  return before;
};

export const readRecord = async (state: string): Promise<HostBefore | undefined> => {
  const text = await readFile(beforePath(state), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as HostBefore);
};

/** Mounts made below these are to reach containers, and those of containers the machine. */
const PROPAGATING = ['/', KUBELET_ROOT, HOMES_ROOT] as const;

const privateMounts = async (): Promise<readonly string[]> =>
  privateMountsOf(await readFile('/proc/self/mountinfo', 'utf8'), PROPAGATING);

/** The mount points that hold `paths` and are not shared (mountinfo's optional field `shared:`), each once. */
export const privateMountsOf = (mountinfo: string, paths: readonly string[]): readonly string[] => {
  const mounts = mountinfo.split('\n').flatMap((line) => {
    const point = line.split(' ')[4];
    return point === undefined ? [] : [{ point, isShared: (line.split(' - ')[0] ?? '').includes(' shared:') }];
  });
  const holding = paths.map((path) =>
    mounts
      .filter(({ point }) => point === '/' || path === point || path.startsWith(`${point}/`))
      // Of two mounts at one place the later one lies on top.
      .reduce((best, mount) => (mount.point.length >= best.point.length ? mount : best)),
  );
  return [...new Set(holding.filter(({ isShared }) => !isShared).map(({ point }) => point))];
};

/** Mount propagation, forwarding, the node's own address, and the firewall rules of the pods' network. */
export const prepareHost = async (node: ClusterNode, log: string): Promise<void> => {
  for (const point of await privateMounts()) await run(['mount', '--make-shared', point], { log });
  for (const module of ['overlay', 'br_netfilter']) {
    // Built into the kernel, or not to be had: what needs it says so itself.
    await run(['modprobe', module], { log }).catch(() => {});
  }
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  // What goes from pod to pod over the bridge is shown to the firewall, and so to Services and NetworkPolicies.
  for (const family of ['iptables', 'ip6tables']) {
    await writeFile(`/proc/sys/net/bridge/bridge-nf-call-${family}`, '1').catch(() => {});
  }
  await prepareInterface(node, log);
  await run(['iptables-restore', '--wait', '--noflush'], { input: ownChainsInput(), log });
  for (const { table, chain, from } of OWN_CHAINS) {
    const rule = [from, '-j', chain];
    const present = await run(['iptables', '--wait', '-t', table, '-C', ...rule]).then(
      () => true,
      () => false,
    );
    if (!present) await run(['iptables', '--wait', '-t', table, '-I', ...rule], { log });
  }
};

const prepareInterface = async ({ address }: ClusterNode, log: string): Promise<void> => {
  const exists = await run(['ip', 'link', 'show', 'dev', NODE_INTERFACE]).then(
    () => true,
    () => false,
  );
  // A bridge without ports: a dummy interface would do, but not every kernel has them.
  if (!exists) await run(['ip', 'link', 'add', 'name', NODE_INTERFACE, 'type', 'bridge'], { log });
  await run(['ip', 'address', 'replace', `${address}/32`, 'dev', NODE_INTERFACE], { log });
  await run(['ip', 'link', 'set', 'dev', NODE_INTERFACE, 'up'], { log });
};

/** Takes back what came with the cluster: firewall rules and kernel settings. Resolves with what it could not do. */
export const restoreHost = async (state: string, log: string): Promise<readonly string[]> => {
  const before = await readRecord(state);
  if (before === undefined) return [];
  const problems: string[] = [];
  const attempt = async (what: string, act: () => Promise<unknown>): Promise<void> => {
    await act().catch((error: unknown) => problems.push(`${what}: ${String(error)}`));
  };
  for (const family of ['iptables', 'ip6tables'] as const) {
    const input = firewallCleanup(before[family], await save(`${family}-save`));
    if (input === undefined) continue;
    await attempt(`firewall rules (${family})`, () =>
      run([`${family}-restore`, '--wait', '--noflush'], { input, log }),
    );
  }
  if (await hasPolicyTable()) {
    await attempt('network policies', () => removePolicyTable(log));
  }
  for (const [name, value] of Object.entries(before.settings)) {
    if ((await readSetting(name)) === value) continue;
    await attempt(`kernel setting ${name}`, () => writeFile(`/proc/sys/${name}`, value));
  }
  for (const point of before.privateMounts) {
    await attempt(`mount propagation of ${point}`, () => run(['mount', '--make-private', point], { log }));
  }
  return problems;
};

/** After everything was taken back: the next `up` notes anew what the machine is like. */
export const forgetHost = (state: string): Promise<void> => rm(beforePath(state), { force: true });
