import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FIRST_NODE, NODE_NAME, type ClusterNode } from '../../../src/local/cluster/network.ts';
import { succeed } from '../e2e/command.ts';
import { type Machine, stateOf } from './machine.ts';

/** As the one after the node of `up`. */
export const SECOND_NODE: ClusterNode = Object.freeze({
  name: `${NODE_NAME}-2`,
  address: '10.97.0.2',
  podCidr: '10.244.1.0/24',
});

const SOON_MS = 20_000;
const JOINED_WITHIN_MS = 180_000;

/** The two ends of the cable between a first machine and a second. */
const CABLE = { first: '10.98.0.1', second: '10.98.0.2' } as const;

/** Lays a cable between two machines, and tells each how to reach the other's node and its pods. */
const connect = async (first: Machine, second: Machine): Promise<void> => {
  const ends = [
    { machine: first, own: CABLE.first, other: CABLE.second, node: SECOND_NODE, name: 'cable-1' },
    { machine: second, own: CABLE.second, other: CABLE.first, node: FIRST_NODE, name: 'cable-2' },
  ] as const;
  // Made in one of them: in the network around them nothing is touched.
  const pid = String(await second.firstProcess());
  const [{ name: here }, { name: there }] = ends;
  await first.run(['ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there], { deadlineMs: SOON_MS });
  await succeed(
    'nsenter',
    [`--net=/proc/${await first.firstProcess()}/ns/net`, 'ip', 'link', 'set', there, 'netns', pid],
    { deadlineMs: SOON_MS },
  );
  for (const { machine, own, other, node, name } of ends) {
    const ip = (...args: string[]): Promise<unknown> => machine.run(['ip', ...args], { deadlineMs: SOON_MS });
    await ip('address', 'add', `${own}/30`, 'dev', name);
    await ip('link', 'set', name, 'up');
    for (const to of [`${node.address}/32`, node.podCidr]) await ip('route', 'replace', to, 'via', other);
  }
};

/**
 * Makes `second` a node of the cluster that `up` has made of `first`, from a checkout; also again, when it comes back
 * after it was switched off. The S3 server of the first is reached at the same address from both.
 */
export const joinCluster = async (first: Machine, second: Machine, checkout: string): Promise<void> => {
  await connect(first, second);
  const [from, to] = [stateOf(first.folder), stateOf(second.folder)];
  await mkdir(join(to, 'cluster'), { recursive: true });
  for (const part of ['kubeconfig', 'certificates', 'cluster/configuration']) {
    await cp(join(from, part), join(to, part), { recursive: true });
  }
  await second.serve(7070, join(first.folder, 's3.sock'));
  await second.serve(7071, join(first.folder, 's3-iam.sock'));
  await second.run([process.execPath, join(checkout, 'test/support/machine/join.ts')], {
    deadlineMs: JOINED_WITHIN_MS,
  });
};
