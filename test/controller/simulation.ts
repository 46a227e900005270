import { expect } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { ANNOTATION_LAST_ACTIVITY, ANNOTATION_LAST_HEARTBEAT, ANNOTATION_NEW_RUN } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { isReady as isNodeReady } from '../../src/domain/node-loss.ts';
import { runView } from '../../src/domain/run.ts';
import { ignoreRefusal, type Snapshot } from '../domain/model/api-server.ts';
import { NODE_NAMES } from '../domain/model/node.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeWorld, type World } from './world.ts';

const NAMES = ['first', 'second', 'other', 'ephemeral'] as const;
const STEPS = 40;
/** Of virtual time, for everything to come to rest: longer than any delay between two attempts. */
const REST_MS = 40 * 60_000;
const MOST_TURNS = 4_000;

interface Chance {
  /** Below `end`. */
  readonly number: (end: number) => number;
  readonly of: <T>(choices: readonly T[]) => T;
}

const makeChance = (seed: number): Chance => {
  const { float } = makeSeededRandom(seed);
  const number = (end: number): number => Math.floor(float() * end);
  return { number, of: (choices) => choices[number(choices.length)] as (typeof choices)[number] };
};

type Act = (world: World, chance: Chance) => void | Promise<void>;

const annotate =
  (annotation: string, text: (world: World) => string): Act =>
  (world, chance) =>
    ignoreRefusal(() => world.annotate(chance.of(NAMES), { [annotation]: text(world) }));
const nowOf = (world: World): string => new Date(world.now()).toISOString();

/** What users, machines and the network do; one that is here twice happens twice as often. */
const ACTS: readonly Act[] = [
  (world, chance) => create(world, chance.of(NAMES)),
  (world, chance) => create(world, chance.of(NAMES)),
  (world, chance) =>
    ignoreRefusal(() => world.want(chance.of(NAMES), chance.of(['Running', 'Running', 'Stopped', 'Suspended']))),
  (world, chance) =>
    ignoreRefusal(() =>
      world.lifetime(chance.of(NAMES), {
        ttlSeconds: chance.of([30, 600, 7_200]),
        ...(chance.number(2) === 0 ? { idleSeconds: chance.of([60, 900]) } : {}),
        ...(chance.number(3) === 0 ? { heartbeatSeconds: chance.of([10, 900]) } : {}),
      }),
    ),
  annotate(ANNOTATION_LAST_ACTIVITY, nowOf),
  annotate(ANNOTATION_LAST_HEARTBEAT, nowOf),
  annotate(ANNOTATION_NEW_RUN, (world) => `run-${world.api.history.length}`),
  (world, chance) => ignoreRefusal(() => world.api.delete('sandboxes', chance.of(NAMES))),
  (world, chance) => world.node.write(chance.of(NAMES)),
  (world, chance) => world.node.write(chance.of(NAMES)),
  (world, chance) => world.node.evict(chance.of(NAMES)),
  (world, chance) => world.node.fence(chance.of(NAMES)),
  (world, chance) => ignoreRefusal(() => world.api.delete('pods', chance.of(NAMES))),
  (world) => {
    world.node.bucket.reachable = !world.node.bucket.reachable;
  },
  (world, chance) => world.node.silence(chance.of(NODE_NAMES)),
  (world, chance) => world.node.returns(chance.of(NODE_NAMES)),
  (world) => {
    if (world.api.newest().templates.has('default')) world.api.erase('templates', 'default');
    else world.api.create('templates', aTemplate('default'));
  },
  (world, chance) => world.client().dieAfter(chance.number(6)),
  (world, chance) => world.restart(chance.number(3)),
];

const create = (world: World, name: (typeof NAMES)[number]): void =>
  ignoreRefusal(() =>
    world.create(
      aSandbox(name)
        .ofUser(name === 'other' ? 'bob' : 'ann')
        .inWorkspace({ ephemeral: name === 'ephemeral' }),
    ),
  );

/**
 * One history that follows from its seed alone: the real controllers on a model of API server, kubelets, node drivers and
 * bucket, in virtual time, with writes that are lost or whose answers are, crashes, and nodes that fall silent. What must
 * never be is checked in every state there was; then everything is put right, and what must be in the end is. Throws with
 * what was broken.
 */
export const simulate = async (seed: number): Promise<void> => {
  const chance = makeChance(seed);
  const faults = { permille: chance.of([0, 20, 100]) };
  const fate = () => {
    const drawn = chance.number(1000);
    return drawn >= faults.permille ? 'done' : drawn % 2 === 0 ? 'lost' : 'unanswered';
  };
  const world = await makeWorld({ seed, fate });
  try {
    for (let step = 0; step < STEPS; step++) {
      await chance.of(ACTS)(world, chance);
      const mostMs = chance.of([0, 100, 1_000, 5_000, 60_000]);
      for (let passed = 0, turns = 0; passed < mostMs && turns < 20; turns++)
        passed += await world.turn(mostMs - passed);
    }
    faults.permille = 0;
    await putRight(world);
    await rest(world);
    checkHistory(world.api.history);
    for (const sandbox of world.api.newest().sandboxes.values()) checkRest(world, sandbox);
    await checkNoWrite(world);
  } finally {
    await world.stop();
  }
};

const putRight = async (world: World): Promise<void> => {
  world.node.bucket.reachable = true;
  for (const name of NODE_NAMES) world.node.returns(name);
  if (!world.api.newest().templates.has('default')) world.api.create('templates', aTemplate('default'));
  await world.restart();
};

const rest = async (world: World): Promise<void> => {
  let quietMs = 0;
  for (let turns = 0; quietMs < REST_MS; turns++) {
    if (turns > MOST_TURNS) throw new Error(`it does not come to rest: ${JSON.stringify(world.events.slice(-10))}`);
    const before = world.api.history.length;
    const ms = await world.turn(REST_MS);
    quietMs = world.api.history.length === before ? quietMs + ms : 0;
  }
};

const checkNoWrite = async (world: World): Promise<void> => {
  const before = world.client().writes.length;
  for (let turns = 0; turns < 5; turns++) await world.turn(60_000);
  expect(world.client().writes.slice(before)).toEqual([]);
};

/** What must not be in any state, given the one before. */
const checkHistory = (history: readonly Snapshot[]): void => {
  for (const [index, world] of history.entries()) {
    const old = history[index - 1];
    if (old === undefined || old.workspaces === world.workspaces) continue;
    for (const [name, { status }] of world.workspaces) {
      const before = old.workspaces.get(name)?.status;
      if (before === undefined) continue;
      expect(status?.epoch ?? 0).toBeGreaterThanOrEqual(before.epoch ?? 0);
      expect(status?.head?.sequence ?? 0).toBeGreaterThanOrEqual(before.head?.sequence ?? 0);
      const { writer, session } = before;
      if (writer === undefined || status?.writer?.epoch === writer.epoch) continue;
      // The writer was given up: its home was saved, or never opened, or its node is lost; and no pod of it is left.
      const isHeld = session?.epoch === writer.epoch && session.state !== 'Closed' && session.state !== 'Conflict';
      const node = old.nodes.get(session?.node ?? '');
      if (isHeld && node !== undefined) expect(isNodeReady(node)).toBe(false);
      for (const { metadata } of old.pods.values()) {
        expect(metadata.ownerReferences?.some(({ uid }) => uid === writer.uid) ?? false).toBe(false);
      }
    }
  }
};

/** What must be once everything works and has had its time. */
const checkRest = ({ api, now }: World, sandbox: Sandbox): void => {
  const { name, uid, deletionTimestamp } = sandbox.metadata;
  expect(deletionTimestamp).toBeUndefined();
  const ready = findCondition(sandbox.status?.conditions, 'Ready');
  const pod = api.newest().pods.get(name);
  const holder = [...api.newest().workspaces.values()].map(({ status }) => status?.writer);
  const run = runView(sandbox, now());
  if (run.kind === 'going') {
    const user = sandbox.spec.userId;
    const isOthers = holder.some(
      (writer) =>
        writer !== undefined && writer.uid !== uid && api.newest().workspaces.get(user)?.status?.writer === writer,
    );
    expect(ready).toMatchObject(
      isOthers && !sandbox.spec.workspace.ephemeral ? { reason: 'WorkspaceInUse' } : { reason: 'PodReady' },
    );
    return;
  }
  expect(ready?.reason).toBe(run.kind === 'over' ? run.end.cause : sandbox.spec.desiredState);
  expect(pod).toBeUndefined();
  expect(holder.some((writer) => writer?.uid === uid)).toBe(false);
};
