import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { mayFollow, SANDBOX_STATES, type SandboxState } from '../../src/api/sandbox-life.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { sandboxState } from '../../src/facade/sandbox-status.ts';
import { makeModelCluster, type ModelCluster, type Name, NAMES } from './model/cluster.ts';
import { reconcileSandbox, reconcileWorkspace } from './model/controller.ts';

type State = SandboxState | 'gone';

/** Every step that a Sandbox was seen to take, one after another, in all that ever happened. */
const stepsOf = ({ api }: ModelCluster): readonly (readonly [from: State, to: State])[] => {
  const steps: [State, State][] = [];
  for (const [index, { sandboxes }] of api.history.entries()) {
    const before = index === 0 ? new Map<string, Sandbox>() : (api.history[index - 1]?.sandboxes ?? new Map());
    for (const [name, was] of before) {
      const is = sandboxes.get(name);
      const to = is?.metadata.uid === was.metadata.uid ? sandboxState(is as Sandbox) : 'gone';
      if (to !== sandboxState(was)) steps.push([sandboxState(was), to]);
    }
  }
  return steps;
};

const name = fc.constantFrom(...NAMES);
const happening: fc.Arbitrary<(cluster: ModelCluster) => void> = fc.oneof(
  {
    weight: 12,
    arbitrary: name.map(
      (of: Name) =>
        ({ api }: ModelCluster) =>
          void reconcileSandbox(api, of),
    ),
  },
  {
    weight: 12,
    arbitrary: name.map(
      (of: Name) =>
        ({ node }: ModelCluster) =>
          void node.step(of),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constant(({ api }: ModelCluster) => {
      for (const workspace of api.newest().workspaces.keys()) reconcileWorkspace(api, workspace);
    }),
  },
  {
    weight: 6,
    arbitrary: name.map((of: Name) => ({ api, node }: ModelCluster) => {
      for (let turn = 0; turn < 8; turn++) {
        reconcileSandbox(api, of);
        node.step(of);
      }
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(name, fc.constantFrom('create' as const, 'delete', 'heartbeat', 'newRun')).map(
      ([of, what]) =>
        ({ user }: ModelCluster) =>
          user[what](of),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(name, fc.constantFrom('Running' as const, 'Stopped', 'Suspended')).map(
      ([of, state]) =>
        ({ user }: ModelCluster) =>
          user.want(of, state),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name, fc.constantFrom(1, 7_200), fc.constantFrom('Stop' as const, 'Suspend'), fc.constantFrom(0, 86_400))
      .map(
        ([of, ttlSeconds, onExpire, retainSeconds]) =>
          ({ user }: ModelCluster) =>
            user.lifetime(of, { ttlSeconds, onExpire, retainSeconds }),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(name, fc.constantFrom('evict' as const, 'fence', 'write')).map(
      ([of, what]) =>
        ({ node }: ModelCluster) =>
          node[what](of),
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('silence' as const, 'returns'), fc.constantFrom('node-1' as const, 'node-2'))
      .map(
        ([what, of]) =>
          ({ node }: ModelCluster) =>
            node[what](of),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.nat({ max: 3 * 3_600_000 }).map(
      (ms) =>
        ({ api }: ModelCluster) =>
          api.tick(ms),
    ),
  },
);

describe('the life of a Sandbox', () => {
  test('is made of the steps that are written down, whatever happens', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 120, size: 'max' }), (all) => {
        const cluster = makeModelCluster();
        for (const each of NAMES) cluster.user.create(each);
        for (const happens of all) happens(cluster);
        for (const [from, to] of stepsOf(cluster)) {
          if (from !== 'gone' && !mayFollow(from, to)) throw new Error(`a Sandbox went from ${from} to ${to}`);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('in its plainest form goes from creating to gone, and leaves out nothing', () => {
    const cluster = makeModelCluster();
    const { user } = cluster;
    const settle = (): number => cluster.settle();
    user.create('first');
    settle();
    user.heartbeat('first');
    settle();
    cluster.api.tick(7_200_000);
    settle();
    cluster.api.tick(86_400_000);
    settle();
    const seen = stepsOf(cluster).map(([, to]) => to);
    expect(seen).toEqual(['starting', 'ready', 'running', 'shutting_down', 'expired', 'shutting_down', 'gone']);
  });

  test.each([
    ['Suspended' as const, 'suspended'],
    ['Stopped' as const, 'stopped'],
  ])('that is asked to be %s ends as that, and begins again from it', (wanted, state) => {
    const cluster = makeModelCluster();
    const { api, node, user } = cluster;
    const work = (): void => {
      for (let turn = 0; turn < 40; turn++) {
        reconcileSandbox(api, 'first');
        node.step('first');
      }
    };
    user.create('first');
    work();
    const before = api.newest().sandboxes.get('first');
    user.want('first', wanted);
    work();
    user.want('first', 'Running');
    work();
    const seen = stepsOf(cluster).map(([, to]) => to);
    expect(seen).toEqual(['starting', 'ready', 'shutting_down', state, 'creating', 'starting', 'ready']);
    const after = api.newest().sandboxes.get('first');
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
    expect(after?.status?.podUid).not.toBe(before?.status?.podUid);
  });

  test('can be ended from every state', () => {
    const isEndable = (state: SandboxState): boolean => mayFollow(state, 'shutting_down') || mayFollow(state, 'gone');
    expect(SANDBOX_STATES.filter((state) => !isEndable(state))).toEqual([]);
  });
});
