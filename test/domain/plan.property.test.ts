import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { runView } from '../../src/domain/run.ts';
import { plan } from '../../src/domain/plan.ts';
import { NODE_NAMES, type NodeName } from './model/node.ts';
import { ignoreRefusal } from '../support/model-api-server/refused.ts';
import {
  checkHonest,
  checkRun,
  checkTransitions,
  conditionOf,
  isKeptTooLong,
  workspaceNameOf,
} from './model/honesty.ts';
import { makeModelCluster, type ModelCluster, type Name, NAMES } from './model/cluster.ts';
import { observe, type PassOptions, reconcileSandbox, reconcileWorkspace, view, writes } from './model/controller.ts';

type Happening =
  | { readonly what: 'create' | 'delete' | 'write' | 'evict' | 'fence' | 'step'; readonly name: Name }
  | { readonly what: 'heartbeat' | 'use' | 'newRun'; readonly name: Name }
  | { readonly what: 'lifetime'; readonly name: Name; readonly lifetime: Partial<Sandbox['spec']['lifetime']> }
  | { readonly what: 'killPod' | 'forceKillPod' | 'forceDelete'; readonly name: Name }
  | { readonly what: 'want'; readonly name: Name; readonly state: Sandbox['spec']['desiredState'] }
  | { readonly what: 'deleteWorkspace' | 'toggleBucket' | 'toggleTemplate' }
  | { readonly what: 'pass' | 'workspacePass'; readonly name: Name; readonly options: PassOptions }
  | { readonly what: 'run'; readonly name: Name; readonly rounds: number }
  | { readonly what: 'silence' | 'returns'; readonly node: NodeName }
  | { readonly what: 'tick'; readonly ms: number };

const name = fc.constantFrom(...NAMES);
const lag = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat({ max: 12 }) });
const passOptions: fc.Arbitrary<PassOptions> = fc.record(
  {
    lag: fc.record({ sandboxes: lag, workspaces: lag, pods: lag, templates: lag, nodes: lag }),
    crashAfter: fc.nat({ max: 4 }),
  },
  { requiredKeys: [] },
);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ what: fc.constant('pass' as const), name, options: passOptions }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('workspacePass' as const), name, options: passOptions }) },
  { weight: 10, arbitrary: fc.record({ what: fc.constant('step' as const), name }) },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constantFrom('create' as const, 'delete', 'write', 'evict', 'fence'), name }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constantFrom('killPod' as const, 'forceKillPod', 'forceDelete'), name }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('want' as const),
      name,
      state: fc.constantFrom('Running', 'Stopped', 'Suspended'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom('heartbeat' as const, 'use', 'newRun'), name }) },
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('lifetime' as const),
      name,
      lifetime: fc.record(
        {
          ttlSeconds: fc.constantFrom(1, 60, 900, 7_200),
          retainSeconds: fc.constantFrom(0, 60, 86_400),
          onExpire: fc.constantFrom('Stop', 'Suspend'),
          idleSeconds: fc.constantFrom(60, 900),
          heartbeatSeconds: fc.constantFrom(10, 900),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constantFrom('deleteWorkspace' as const, 'toggleBucket', 'toggleTemplate') }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('run' as const), name, rounds: fc.nat({ max: 12 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom('silence' as const, 'returns'),
      node: fc.constantFrom(...NODE_NAMES),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('tick' as const), ms: fc.nat({ max: 60_000 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('tick' as const), ms: fc.nat({ max: 3 * 3_600_000 }) }) },
);
// fast-check's own idea of an array is ten long: nothing would ever get as far as Ready.
const history = fc.array(happening, { maxLength: 120, size: 'max' });

const happen = (cluster: ModelCluster, event: Happening): void => {
  const { api, node, user } = cluster;
  switch (event.what) {
    case 'create':
      return user.create(event.name);
    case 'delete':
      return user.delete(event.name);
    case 'want':
      return user.want(event.name, event.state);
    case 'lifetime':
      return user.lifetime(event.name, event.lifetime);
    case 'heartbeat':
      return user.heartbeat(event.name);
    case 'use':
      return user.use(event.name);
    case 'newRun':
      return user.newRun(event.name);
    case 'write':
      return node.write(event.name);
    case 'evict':
      return node.evict(event.name);
    case 'fence':
      return node.fence(event.name);
    case 'step':
      node.step(event.name);
      return;
    case 'silence':
    case 'returns':
      return node[event.what](event.node);
    case 'killPod':
      return ignoreRefusal(() => api.delete('pods', event.name));
    case 'forceKillPod':
      return api.newest().pods.has(event.name) ? api.erase('pods', event.name) : undefined;
    case 'forceDelete':
      return api.newest().sandboxes.has(event.name) ? api.erase('sandboxes', event.name) : undefined;
    case 'deleteWorkspace':
      return ignoreRefusal(() => api.delete('workspaces', 'ann'));
    case 'toggleBucket':
      node.bucket.reachable = !node.bucket.reachable;
      return;
    case 'toggleTemplate':
      return toggleTemplate(cluster);
    case 'pass':
      reconcileSandbox(api, event.name, event.options);
      return;
    case 'workspacePass':
      reconcileWorkspace(api, 'ann', event.options);
      return;
    case 'run':
      for (let round = 0; round < event.rounds; round++) {
        reconcileSandbox(api, event.name);
        node.step(event.name);
      }
      return;
    case 'tick':
      return api.tick(event.ms);
    default:
      throw new Error(`unknown happening ${JSON.stringify(event satisfies never)}`);
  }
};

const template = makeModelCluster().api.newest().templates.get('default');
const toggleTemplate = ({ api }: ModelCluster): void => {
  if (api.newest().templates.has('default')) api.erase('templates', 'default');
  else if (template !== undefined) api.create('templates', template);
};

const afterHistory = (events: readonly Happening[]): ModelCluster => {
  const cluster = makeModelCluster();
  for (const each of NAMES) cluster.user.create(each);
  for (const event of events) happen(cluster, event);
  return cluster;
};

const settled = (events: readonly Happening[]): ModelCluster => {
  const cluster = afterHistory(events);
  if (!cluster.api.newest().templates.has('default')) toggleTemplate(cluster);
  cluster.settle();
  return cluster;
};

const runs = { numRuns: 400 };

describe('after any history of users, failures, stale caches and crashes', () => {
  test('controller and node come to rest, every sandbox is what was asked for, and nothing is written any more', () => {
    fc.assert(
      fc.property(history, (events) => {
        const { api } = settled(events);
        const uids = [...api.newest().sandboxes.values()].map(({ metadata }) => metadata.uid);
        for (const { status: of } of api.newest().workspaces.values()) {
          if (of?.writer !== undefined) expect(uids).toContain(of.writer.uid);
        }
        for (const sandbox of api.newest().sandboxes.values()) {
          const pod = api.newest().pods.get(sandbox.metadata.name);
          const workspace = api.newest().workspaces.get(workspaceNameOf(sandbox));
          const holder = workspace?.status?.writer;
          expect(sandbox.metadata.deletionTimestamp).toBeUndefined();
          const run = runView(sandbox, api.now());
          if (run.kind === 'going') {
            const isOthers = holder !== undefined && holder.uid !== sandbox.metadata.uid;
            expect(conditionOf(sandbox, 'Ready')).toMatchObject(
              isOthers ? { status: 'False', reason: 'WorkspaceInUse' } : { status: 'True', reason: 'PodReady' },
            );
          } else {
            const cause = run.kind === 'over' ? run.end.cause : undefined;
            expect(conditionOf(sandbox, 'Stopped')?.reason).toBe(cause ?? sandbox.spec.desiredState);
            expect(sandbox.status?.stopReason).toBe(cause === undefined ? 'user_requested' : 'expired');
            expect(isKeptTooLong(sandbox, api.now())).toBe(false);
            expect(pod).toBeUndefined();
            expect(holder?.uid).not.toBe(sandbox.metadata.uid);
          }
          checkHonest(sandbox, api.newest());
        }
        const before = api.history.length;
        for (const each of NAMES) reconcileSandbox(api, each);
        for (const workspace of api.newest().workspaces.keys()) reconcileWorkspace(api, workspace);
        expect(api.history.length).toBe(before);
      }),
      runs,
    );
  });

  test('a record was deleted by a pass that did not know yet that the writer had been taken again', () => {
    const lagging = (by: Required<PassOptions>['lag']) =>
      ({ what: 'pass', name: 'first', options: { lag: by } }) as const;
    const pass = { what: 'pass', name: 'first', options: {} } as const;
    const { api } = afterHistory([
      pass,
      pass,
      { what: 'lifetime', name: 'first', lifetime: { retainSeconds: 0 } },
      { what: 'want', name: 'first', state: 'Stopped' },
      pass,
      lagging({ sandboxes: 2 }),
      lagging({ workspaces: 1 }),
    ]);
    expect(api.newest().sandboxes.get('first')?.metadata.deletionTimestamp).toBeUndefined();
    while (writes(reconcileSandbox(api, 'first')).length > 0);
    expect(api.newest().sandboxes.get('first')).toBeUndefined();
    expect([...api.newest().workspaces.values()].filter((workspace) => workspace.status?.writer !== undefined)).toEqual(
      [],
    );
  });

  test('a transition time moves with its status, and with nothing else', () => {
    fc.assert(
      fc.property(history, (events) => {
        const { api } = afterHistory(events.flatMap((event) => [{ what: 'tick', ms: 1_000 } as const, event]));
        for (const [index, world] of api.history.entries()) {
          for (const [each, sandbox] of world.sandboxes) {
            const old = api.history[index - 1]?.sandboxes.get(each);
            if (old?.metadata.uid === sandbox.metadata.uid) checkTransitions(old, sandbox);
          }
        }
      }),
      runs,
    );
  });

  // One history is looked at in each of these ways: to play it takes most of the time.
  test('a lifetime counts from the first Ready of its run, no pass writes twice, and what is said is so [A2.2] [T3]', () => {
    fc.assert(
      fc.property(history, name, (events, each) => {
        const { api } = afterHistory(events);
        checkLifetimes(api);
        checkPass(api, each);
        while (writes(reconcileSandbox(api, each)).length > 0);
        const sandbox = api.newest().sandboxes.get(each);
        if (sandbox?.status !== undefined) checkHonest(sandbox, api.newest());
      }),
      runs,
    );
  });
});

/** A lifetime counts from the first Ready of its run, whatever becomes of its pods. */
const checkLifetimes = (api: ModelCluster['api']): void => {
  for (const [index, world] of api.history.entries()) {
    for (const [each, sandbox] of world.sandboxes) {
      const old = api.history[index - 1]?.sandboxes.get(each);
      if (old !== undefined && old.metadata.uid === sandbox.metadata.uid) checkRun(old, sandbox);
    }
  }
};

/** The next pass writes no object twice, and the order of what is listed in an object changes nothing. */
const checkPass = (api: ModelCluster['api'], each: Name): void => {
  const observed = observe(each, view(api, {}), api.now());
  if (observed === undefined) return;
  const actions = plan(observed);
  const targets = writes(actions).map((action) =>
    'sandbox' in action ? 'sandbox' : 'workspace' in action ? 'workspace' : 'pod',
  );
  expect(new Set(targets).size).toBe(targets.length);
  const { sandbox, pod } = observed;
  const turned = {
    ...observed,
    sandbox: reversed(sandbox, sandbox.status?.conditions),
    pod: pod === undefined ? undefined : reversed(pod, pod.status?.conditions),
  };
  expect(plan(turned)).toEqual(actions);
};

const reversed = <T extends { readonly status?: object }>(object: T, conditions: readonly unknown[] | undefined): T =>
  object.status === undefined || conditions === undefined
    ? object
    : { ...object, status: { ...object.status, conditions: [...conditions].reverse() } };
