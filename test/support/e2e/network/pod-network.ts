import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { systemRandom } from '../../../../src/base/random.ts';
import { succeed } from '../command.ts';
import { type Reach, reach } from './reach.ts';

const LISTEN = fileURLToPath(new URL('listen.py', import.meta.url));

/** A node and its pods as network namespaces of the kernel: the pods on a bridge, as the CNI plugin lays them. */
export interface PodNetwork {
  readonly bridge: string;
  /** Makes a pod that listens on `ports`. Resolves with its link-local IPv6 address. */
  readonly addPod: (name: string, address: string, ports: readonly number[]) => Promise<string>;
  /** A machine outside of the node, with addresses that the node routes to. */
  readonly addOutside: (name: string, addresses: readonly string[], ports: readonly number[]) => Promise<void>;
  /** Listens on the node itself. */
  readonly listenOnNode: (ports: readonly number[]) => Promise<void>;
  /** What becomes of connections from `name` (`node` is the node) to each `host port`. */
  readonly connect: (name: string, targets: readonly string[]) => Promise<Readonly<Record<string, Reach>>>;
  /** Runs `nft -f -` in the node. */
  readonly load: (rules: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

const GATEWAY = '10.244.0.1';
const DEADLINE_MS = 60_000;

/** Needs root. */
export const makePodNetwork = async (bridge: string): Promise<PodNetwork> => {
  const prefix = `matrx-test-${systemRandom.hex(3)}`;
  const spaceOf = (name: string): string => `${prefix}-${name}`;
  const spaces: string[] = [];
  const servers: ChildProcess[] = [];
  let outsides = 0;

  const ip = async (...args: readonly string[]): Promise<string> =>
    (await succeed('ip', args, { deadlineMs: DEADLINE_MS })).stdout.toString();
  const inside = (name: string, args: readonly string[], stdin?: string): Promise<string> =>
    succeed('ip', ['netns', 'exec', spaceOf(name), ...args], { deadlineMs: DEADLINE_MS, stdin }).then(({ stdout }) =>
      stdout.toString(),
    );
  const link = (name: string, ...args: readonly string[]): Promise<string> => ip('-n', spaceOf(name), ...args);

  const addSpace = async (name: string): Promise<void> => {
    await ip('netns', 'add', spaceOf(name));
    spaces.push(spaceOf(name));
    // A link-local address can be used at once, without the second in which it looks for its double.
    await inside(name, ['sh', '-c', 'echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad']);
    await link(name, 'link', 'set', 'lo', 'up');
  };
  const listen = async (name: string, ports: readonly number[]): Promise<void> => {
    if (ports.length === 0) return;
    const args = ['netns', 'exec', spaceOf(name), 'python3', LISTEN, ...ports.map(String)];
    const server = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    servers.push(server);
    await once(server.stdout, 'data');
  };
  /** A pair of interfaces: eth0 in `name`, and `port` in the node. */
  const plug = async (name: string, port: string): Promise<void> => {
    await link('node', 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', spaceOf(name));
    await link('node', 'link', 'set', port, 'up');
    await link(name, 'link', 'set', 'eth0', 'up');
  };

  await addSpace('node');
  await inside('node', ['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward']);
  await link('node', 'link', 'add', bridge, 'type', 'bridge');
  await link('node', 'address', 'add', `${GATEWAY}/24`, 'dev', bridge);
  await link('node', 'link', 'set', bridge, 'up');

  return {
    bridge,
    addPod: async (name, address, ports) => {
      await addSpace(name);
      await plug(name, `pod-${name}`);
      await link('node', 'link', 'set', `pod-${name}`, 'master', bridge);
      await link(name, 'address', 'add', `${address}/24`, 'dev', 'eth0');
      await link(name, 'route', 'add', 'default', 'via', GATEWAY);
      await listen(name, ports);
      const described = await link(name, '-6', '-o', 'address', 'show', 'dev', 'eth0', 'scope', 'link');
      return /inet6 (fe80:[0-9a-f:]+)/.exec(described)?.[1] ?? '';
    },
    addOutside: async (name, addresses, ports) => {
      await addSpace(name);
      await plug(name, `out-${name}`);
      const between = `192.0.2.${(outsides += 2)}`;
      await link('node', 'address', 'add', `${between}/31`, 'dev', `out-${name}`);
      await link(name, 'address', 'add', `192.0.2.${outsides + 1}/31`, 'dev', 'eth0');
      await link(name, 'route', 'add', 'default', 'via', between);
      for (const address of addresses) {
        await link(name, 'address', 'add', `${address}/32`, 'dev', 'lo');
        await link('node', 'route', 'add', `${address}/32`, 'via', `192.0.2.${outsides + 1}`);
      }
      await listen(name, ports);
    },
    listenOnNode: (ports) => listen('node', ports),
    connect: (name, targets) => reach((program, args) => inside(name, ['python3', '-', ...args], program), targets),
    load: async (rules) => {
      await inside('node', ['nft', '-f', '-'], rules);
    },
    remove: async () => {
      for (const server of servers) {
        const ended = once(server, 'exit');
        server.kill('SIGKILL');
        await ended;
      }
      for (const space of spaces.toReversed()) await ip('netns', 'delete', space);
    },
  };
};
