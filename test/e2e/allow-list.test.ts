import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { expect } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import type { AllowedTarget } from '../../src/api/allow-list.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { type Cluster, standingReason } from '../support/e2e/cluster.ts';
import { succeed } from '../support/e2e/command.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { makeTemplate } from '../support/e2e/make-template.ts';
import { at, openOf, reach } from '../support/e2e/network/reach.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

/** Addresses for documents (RFC 5737): nobody's, and for this test two programs' of the world outside. */
const [LISTED, OTHER] = ['198.51.100.71', '198.51.100.72'];

/** Programs that listen on those addresses of this machine, one port each on both. */
const withOutside = async (act: (ports: readonly [number, number]) => Promise<void>): Promise<void> => {
  const ip = (...args: readonly string[]): Promise<unknown> => succeed('ip', args, { deadlineMs: 10_000 });
  const servers: Server[] = [];
  const listen = async (address: string, port: number): Promise<number> => {
    const server = createServer((socket) => socket.end());
    servers.push(server);
    server.listen(port, address);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const added: string[] = [];
  try {
    for (const address of [LISTED, OTHER]) {
      await ip('address', 'add', `${address}/32`, 'dev', 'lo');
      added.push(address);
    }
    const ports = [await listen(LISTED, 0), await listen(LISTED, 0)] as const;
    for (const port of ports) await listen(OTHER, port);
    await act(ports);
  } finally {
    for (const server of servers) server.close();
    for (const address of added) await ip('address', 'del', `${address}/32`, 'dev', 'lo');
  }
};

const openFrom = async (cluster: Cluster, name: string, targets: readonly string[]): Promise<readonly string[]> =>
  openOf(await reach((program, args) => cluster.python(name, program, { args }), targets));

const network = (...allowList: readonly AllowedTarget[]) => ({
  network: { egress: 'AllowList' as const, allowList: [...allowList] },
});
const tcp = (port: number) => [{ protocol: 'TCP' as const, port }];

const policiesOf = async (cluster: Cluster, name: string): Promise<readonly string[]> => {
  const list = ['get', 'networkpolicies', `--selector=matrx.dev/sandbox=${name}`];
  return (await cluster.kubectl.json<{ readonly items: readonly KubeObject[] }>(list)).items.map(
    ({ metadata }) => metadata.name,
  );
};

scenario(
  'a sandbox of a template with an allow-list reaches what is listed, and an edit reaches it with its next pod',
  240,
  async (cluster) => {
    await withOutside(async ([port, another]) => {
      const targets = [LISTED, OTHER].flatMap((address) => [port, another].map((each) => at(address, each)));
      const template = await makeTemplate(cluster, network({ cidr: `${LISTED}/32`, ports: tcp(port) }));
      const sandbox = aSandbox('listed').with({ templateRef: { name: template } });
      const open = aSandbox('control').ephemeral();
      await Promise.all([cluster.start(sandbox), cluster.start(open)]);
      // The control: nothing but the list stands between a sandbox and any of them.
      expect(await openFrom(cluster, open.name, targets)).toEqual(targets);
      expect(await openFrom(cluster, sandbox.name, targets)).toEqual([at(LISTED, port)]);

      const edited = network({ cidr: `${OTHER}/32`, ports: tcp(another) });
      await cluster.kubectl.merge(`sandboxtemplate/${template}`, { spec: edited });
      const before = await cluster.ready(sandbox.name);
      expect(await openFrom(cluster, sandbox.name, targets)).toEqual([at(LISTED, port)]);
      await cluster.kubectl.run(['delete', `pod/${sandbox.name}`, '--wait=false']);
      await cluster.until(
        sandbox.name,
        'it is Ready with another pod',
        (found) => standingReason(found) === 'PodReady' && found.status?.podUid !== before.status?.podUid,
      );
      expect(await openFrom(cluster, sandbox.name, targets)).toEqual([at(OTHER, another)]);

      expect(await policiesOf(cluster, sandbox.name)).toHaveLength(2);
      await cluster.kubectl.run(['delete', `sandbox/${sandbox.name}`]);
      await eventually('its policies go with it', async () => (await policiesOf(cluster, sandbox.name)).length === 0, {
        deadlineMs: 60_000,
        signal: cluster.signal,
      });
    });
  },
);

scenario('a list with a node or its pods in it gets no pod, and the entry is named', 120, async (cluster) => {
  const node = (await cluster.kubectl.json<{ readonly items: readonly Node[] }>(['get', 'nodes'])).items[0];
  const address = node?.status.addresses.find(({ type }) => type === 'InternalIP')?.address ?? '';
  const pods = node?.spec.podCIDR ?? '';
  for (const cidr of [`${address}/32`, pods]) {
    const template = await makeTemplate(cluster, network({ cidr: '203.0.113.0/24' }, { cidr }));
    const sandbox = aSandbox('refused')
      .ephemeral()
      .with({ templateRef: { name: template } });
    await cluster.create(sandbox);
    const refused = await cluster.until(
      sandbox.name,
      'it says why',
      (found) => standingReason(found) === 'AllowListRefused',
    );
    const said = findCondition(refused.status?.conditions, 'Stalled')?.message;
    expect(said).toContain(`SandboxTemplate ${template}: spec.network.allowList[1].cidr ${cidr}: that is the`);
    await cluster.kubectl.merge(`sandboxtemplate/${template}`, { spec: network({ cidr: '203.0.113.0/24' }) });
    await cluster.ready(sandbox.name);
  }
});

interface Node {
  readonly spec: { readonly podCIDR?: string };
  readonly status: { readonly addresses: readonly { readonly type: string; readonly address: string }[] };
}
