import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { isReady } from '../support/e2e/cluster.ts';
import { succeed } from '../support/e2e/command.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { at, openOf, reach, type Reach } from '../support/e2e/network/reach.ts';
import { withUnselectedPod } from '../support/e2e/network/unselected-pod.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

// Each refusal stands beside a control: the same connection, at the same moment, from a pod that no policy selects or
// from the node. A cluster whose network is broken fails here, and so does one that enforces nothing.

const DAEMON_PORT = 49_983;
const PROGRAM_PORT = 5000;
const listenProgram = readFileSync(new URL('../support/e2e/network/listen.py', import.meta.url), 'utf8');

const reachFrom = (
  cluster: Cluster,
  name: string,
  targets: readonly string[],
): Promise<Readonly<Record<string, Reach>>> =>
  reach((program, args) => cluster.python(name, program, { args }), targets);

/** From the test's own process: the node, which no policy holds. */
const reachFromNode = (targets: readonly string[]): Promise<Readonly<Record<string, Reach>>> =>
  reach(
    async (program, args) =>
      (await succeed('python3', ['-', ...args], { stdin: program, deadlineMs: 20_000 })).stdout.toString(),
    targets,
  );

const imageOf = (cluster: Cluster, pod: string): Promise<string> =>
  cluster.kubectl.run(['get', `pod/${pod}`, '-o', 'jsonpath={.spec.containers[0].image}']);

const startReady = async (cluster: Cluster, label: string): Promise<Sandbox> => {
  const sandbox = aSandbox(label).ephemeral();
  await cluster.start(sandbox);
  return cluster.until(
    sandbox.name,
    'it has an address',
    (found) => isReady(found) && found.status?.podIP !== undefined,
  );
};

/** A program of the sandbox's user that listens on every address of its pod. */
const startProgram = async (cluster: Cluster, name: string): Promise<void> => {
  await cluster.shell(
    name,
    'printf %s "$1" > listen.py; setsid --fork python3 listen.py "$2" < /dev/null > /dev/null 2>&1',
    { args: [listenProgram, String(PROGRAM_PORT)] },
  );
  const own = at('127.0.0.1', PROGRAM_PORT);
  await eventually("the user's program listens", async () => (await reachFrom(cluster, name, [own]))[own] === 'open', {
    deadlineMs: 15_000,
    signal: cluster.signal,
  });
};

const addressesOf = async (cluster: Cluster, selector: string): Promise<readonly string[]> => {
  const { items } = await cluster.kubectl.json<{ readonly items: readonly Pod[] }>([
    '--namespace=matrx-system',
    'get',
    'pods',
    `--selector=app.kubernetes.io/name=${selector}`,
    '--field-selector=status.phase=Running',
  ]);
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ status }) => status?.podIP ?? []);
};

const listenOnNode = async (server: Server, host: string, port: number): Promise<number> => {
  server.listen(port, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};
const close = async (server: Server): Promise<void> => {
  if (!server.listening) return;
  server.close();
  await once(server, 'close');
};

scenario("a sandbox reaches no other sandbox: not its daemon, and not its user's programs", 180, async (cluster) => {
  const [attacker, victim] = await Promise.all([startReady(cluster, 'attacker'), startReady(cluster, 'victim')]);
  await startProgram(cluster, victim.metadata.name);
  const targets = [DAEMON_PORT, PROGRAM_PORT].map((port) => at(victim.status?.podIP ?? '', port));

  expect(openOf(await reachFromNode(targets))).toEqual(targets);
  expect(openOf(await reachFrom(cluster, attacker.metadata.name, targets))).toEqual([]);
  // Nor does any other pod but the facade's.
  const image = await imageOf(cluster, attacker.metadata.name);
  await withUnselectedPod(cluster, image, [], async (pod) => {
    expect(openOf(await pod.reach(targets))).toEqual([]);
  });
});

scenario('a sandbox does not reach other pods, the API server or the node, and a pod does', 180, async (cluster) => {
  const { name } = (await startReady(cluster, 'inside')).metadata;
  const image = await imageOf(cluster, name);
  const server = createServer((socket) => socket.end());
  try {
    const port = await listenOnNode(server, '0.0.0.0', 0);
    const service = await cluster.shell(name, 'echo "$KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT"');
    const endpoint = await cluster.kubectl.run([
      '--namespace=default',
      'get',
      'endpointslice/kubernetes',
      '-o',
      'jsonpath={.endpoints[0].addresses[0]} {.ports[0].port}',
    ]);
    const nodeAddresses = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address);
    const [nodeAddress] = endpoint.split(' ');
    const [facades, controllers] = [
      await addressesOf(cluster, 'matrx-facade'),
      await addressesOf(cluster, 'matrx-controller'),
    ];
    await withUnselectedPod(cluster, image, [PROGRAM_PORT], async (other) => {
      await withUnselectedPod(cluster, image, [], async (control) => {
        const targets = [
          service.trim(),
          endpoint,
          at(nodeAddress ?? '', 10_250),
          ...nodeAddresses.map((address) => at(address, port)),
          at(other.address, PROGRAM_PORT),
          // Metrics and health, which ask for no key, and what only people on SSH use.
          ...[...facades, ...controllers].map((address) => at(address, 8081)),
          ...facades.map((address) => at(address, 2222)),
        ];
        expect(openOf(await control.reach(targets))).toEqual(targets);
        expect(openOf(await reachFrom(cluster, name, targets))).toEqual([]);
      });
    });
  } finally {
    await close(server);
  }
});

/** What clouds tell their own machines: EC2's, then that of ECS and EKS. */
const METADATA = ['169.254.169.254', '169.254.170.2', '169.254.170.23'];

scenario('a sandbox does not reach instance metadata, and a pod would', 180, async (cluster) => {
  const { name } = (await startReady(cluster, 'metadata')).metadata;
  const onPort80 = (addresses: readonly string[]): readonly string[] => addresses.map((address) => at(address, 80));
  // Where this machine has no such service, the test plays it: somebody must answer whom a sandbox could reach.
  const found = await reachFromNode(onPort80(METADATA));
  const played = METADATA.filter((address) => found[at(address, 80)] !== 'open');
  const servers = played.map(() => createServer((socket) => socket.end()));
  const ip = (...args: readonly string[]): Promise<unknown> => succeed('ip', args, { deadlineMs: 10_000 });
  const added: string[] = [];
  try {
    for (const [index, server] of servers.entries()) {
      const address = played[index] ?? '';
      await ip('address', 'add', `${address}/32`, 'dev', 'lo');
      added.push(address);
      await listenOnNode(server, address, 80);
    }
    await withUnselectedPod(cluster, await imageOf(cluster, name), [], async (control) => {
      expect(openOf(await control.reach(onPort80(played)))).toEqual(onPort80(played));
      expect(openOf(await reachFrom(cluster, name, onPort80(METADATA)))).toEqual([]);
    });
    // Of IPv6 there is not even a way.
    const ofIpv6 = at('fd00:ec2::254', 80);
    expect((await reachFrom(cluster, name, [ofIpv6]))[ofIpv6]).not.toBe('open');
  } finally {
    await Promise.all(servers.map(close));
    for (const address of added) await ip('address', 'del', `${address}/32`, 'dev', 'lo');
  }
});

scenario(
  'a sandbox reaches the API of the facade as itself, nothing of it that is for others, and name servers',
  180,
  async (cluster) => {
    const { name } = (await startReady(cluster, 'caller')).metadata;
    const ask = (method: string, path: string): Promise<string> =>
      cluster.shell(
        name,
        `curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' --request "$1" \\
         --header "Authorization: Bearer $(cat "$MATRX_TOKEN_FILE")" "$ORCHESTRATOR_URL$2"`,
        { args: [method, path] },
      );
    expect(await ask('GET', '/health')).toBe('200');
    expect(await ask('POST', `/sandboxes/${name}/heartbeat`)).toBe('200');
    expect(await ask('GET', '/sandboxes')).toBe('403');
    expect(await ask('DELETE', `/sandboxes/${name}`)).toBe('403');
    // The port of the API serves no metrics.
    expect(await ask('GET', '/metrics')).toMatch(/^40[134]$/);

    // Names are looked up as in any pod. The answers themselves are the name server's own matter.
    const resolvers = (await cluster.shell(name, 'awk \'$1 == "nameserver" { print $2 }\' /etc/resolv.conf'))
      .trim()
      .split('\n')
      .map((address) => at(address, 53));
    await withUnselectedPod(cluster, await imageOf(cluster, name), [], async (control) => {
      expect(openOf(await reachFrom(cluster, name, resolvers))).toEqual(openOf(await control.reach(resolvers)));
    });
  },
);

scenario('a sandbox sees no socket of the driver, of kubelet or of the container runtime', 120, async (cluster) => {
  const { name } = (await startReady(cluster, 'sockets')).metadata;
  const roots = '/var/lib/kubelet /var/lib/matrx /run/containerd /run/k3s /run/matrx /csi /registration';
  expect(await cluster.shell(name, `ls -d ${roots} 2>/dev/null || true`)).toBe('');
  expect(await cluster.shell(name, 'find / -path /proc -prune -o -type s -print 2>/dev/null || true')).toBe('');
  // An abstract one would be in the network's namespace, which is the pod's own.
  expect(await cluster.shell(name, 'awk \'NR > 1 && $8 != "" { print $8 }\' /proc/net/unix')).toBe('');
});

scenario(
  'another policy in the namespace opens what a sandbox is to reach, and closes it again',
  180,
  async (cluster) => {
    const { name } = (await startReady(cluster, 'opened')).metadata;
    await withUnselectedPod(cluster, await imageOf(cluster, name), [PROGRAM_PORT, 5001], async (service) => {
      const [wanted, other] = [at(service.address, PROGRAM_PORT), at(service.address, 5001)];
      const becomes = (answer: 'open' | 'closed'): Promise<unknown> =>
        eventually(
          `${wanted} is ${answer} to the sandbox`,
          async () => ((await reachFrom(cluster, name, [wanted]))[wanted] === 'open') === (answer === 'open'),
          { deadlineMs: 20_000, signal: cluster.signal },
        );
      await becomes('closed');
      const policy = uniqueName('allows');
      cluster.own(`networkpolicy/${policy}`);
      await cluster.kubectl.create({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: policy },
        spec: {
          podSelector: {},
          policyTypes: ['Egress'],
          egress: [{ to: [{ ipBlock: { cidr: `${service.address}/32` } }], ports: [{ port: PROGRAM_PORT }] }],
        },
      });
      await becomes('open');
      expect(openOf(await reachFrom(cluster, name, [other]))).toEqual([]);
      await cluster.kubectl.run(['delete', `networkpolicy/${policy}`]);
      await becomes('closed');
    });
  },
);
