import { describe, expect, test } from '@jest/globals';
import { makeModelCluster, type ModelCluster } from './model/cluster.ts';
import { reconcileSandbox, writes } from './model/controller.ts';

/** Ready on node-1, which then is silent for so long. */
const lostFor = (ms: number): ModelCluster => {
  const cluster = makeModelCluster();
  cluster.user.create('first');
  while (writes(reconcileSandbox(cluster.api, 'first')).length > 0 || cluster.node.step('first'));
  cluster.node.silence('node-1');
  reconcileSandbox(cluster.api, 'first');
  cluster.api.tick(ms);
  return cluster;
};
const kindsOf = (actions: ReturnType<typeof reconcileSandbox>) => writes(actions).map(({ kind }) => kind);

describe('a pass over a sandbox whose node is silent', () => {
  test('does nothing before the time is over', () => {
    expect(kindsOf(reconcileSandbox(lostFor(9_999).api, 'first'))).toEqual([]);
  });

  test('forgets the pod, then gives up the epoch, then takes the next', () => {
    const { api } = lostFor(10_000);
    expect(kindsOf(reconcileSandbox(api, 'first'))).toEqual(['deletePod', 'writeSandboxStatus']);
    expect(kindsOf(reconcileSandbox(api, 'first'))).toEqual(['writeSandboxStatus', 'releaseWriter']);
    expect(kindsOf(reconcileSandbox(api, 'first'))).toEqual(['acquireWriter']);
    expect(api.newest().workspaces.get('ann')?.status).toMatchObject({ writer: { epoch: 2 }, session: { epoch: 1 } });
  });

  test('that does not know yet that the node is back does nothing: the API server is asked first', () => {
    const { api, node } = lostFor(10_000);
    node.returns('node-1');
    expect(kindsOf(reconcileSandbox(api, 'first', { lag: { nodes: 1 } }))).toEqual([]);
    expect(api.newest().pods.get('first')).toBeDefined();
  });

  test('that does not know yet that the node is back gives up no epoch either', () => {
    const { api, node } = lostFor(10_000);
    reconcileSandbox(api, 'first');
    node.returns('node-1');
    const { workspaces } = api.newest();
    expect(kindsOf(reconcileSandbox(api, 'first', { lag: { nodes: 1 } }))).toEqual(['writeSandboxStatus']);
    expect(api.newest().workspaces.get('ann')).toBe(workspaces.get('ann'));
  });
});
