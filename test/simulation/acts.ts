import { ANNOTATION_LAST_ACTIVITY, ANNOTATION_LAST_HEARTBEAT, ANNOTATION_NEW_RUN } from '../../src/api/names.ts';
import type { World } from '../controller/world.ts';
import { NODE_NAMES } from '../domain/model/node.ts';
import { ignoreRefusal } from '../support/model-api-server/refused.ts';
import { aSandbox, aTemplate } from '../support/resources.ts';
import type { Chance } from './chance.ts';
import type { Facade, Operation, RequestOptions } from './facade.ts';
import type { Machines } from './machines.ts';
import type { Network } from './network.ts';

/** Those that are made by hand, whatever others there are. */
const NAMES = ['first', 'second', 'other', 'ephemeral'] as const;

/** What a history is made of. */
export interface Stage {
  readonly world: World;
  readonly chance: Chance;
  readonly network: Network;
  readonly facades: Facades;
  readonly machines: Machines;
}

/** The replicas, and who is at them. */
export interface Facades {
  readonly any: () => Facade;
  /** A request that nobody here waits for; what it throws is thrown in the end. */
  readonly ask: (operation: Operation, options: RequestOptions) => void;
  readonly use: (name: string) => void;
  readonly endUses: () => void;
  /** One is killed, and another takes its place. */
  readonly restartOne: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

export type Act = (stage: Stage) => void | Promise<void>;

const someName = ({ world, chance }: Stage): string => chance.of([...NAMES, ...world.api.newest().sandboxes.keys()]);

/** Most of what happens to a pod happens to one that there is. */
const somePod = (stage: Stage): string =>
  stage.chance.of([...stage.world.api.newest().pods.keys(), ...stage.world.api.newest().pods.keys(), someName(stage)]);

const create = ({ world, chance }: Stage): void => {
  const name = chance.of(NAMES);
  const sandbox = aSandbox(name)
    .ofUser(name === 'other' ? 'bob' : 'ann')
    .inWorkspace({ ephemeral: name === 'ephemeral' });
  ignoreRefusal(() => world.create(sandbox));
};

const annotate =
  (annotation: string, text: (world: World) => string): Act =>
  (stage) =>
    ignoreRefusal(() => stage.world.annotate(someName(stage), { [annotation]: text(stage.world) }));
const nowOf = (world: World): string => new Date(world.now()).toISOString();

const changeLifetime: Act = (stage) => {
  const { world, chance } = stage;
  ignoreRefusal(() =>
    world.lifetime(someName(stage), {
      ttlSeconds: chance.of([30, 600, 7_200]),
      onExpire: chance.of(['Stop', 'Stop', 'Suspend']),
      retainSeconds: chance.of([0, 60, 86_400]),
      ...(chance.number(2) === 0 ? { idleSeconds: chance.of([60, 900]) } : {}),
      ...(chance.number(3) === 0 ? { heartbeatSeconds: chance.of([10, 900]) } : {}),
    }),
  );
};

/** Lets so much time pass, or as much as can be simulated in a moment. */
export const pass = async ({ world }: Pick<Stage, 'world'>, mostMs: number): Promise<void> => {
  for (let passed = 0, turns = 0; passed < mostMs && turns < 40; turns++) passed += await world.turn(mostMs - passed);
};

/** Somebody who cannot decide: what was seen of the sandbox a moment ago is not so any more. */
const waver: Act = async (stage) => {
  const { world, chance } = stage;
  const name = someName(stage);
  for (const desiredState of chance.of([
    ['Stopped', 'Running'],
    ['Running', 'Stopped'],
    ['Suspended', 'Running', 'Stopped'],
  ] as const)) {
    ignoreRefusal(() => world.want(name, desiredState));
    await pass(stage, chance.of([0, 20, 500]));
  }
};

/** A pod that fails whenever it runs. */
const failAgainAndAgain: Act = async (stage) => {
  const name = somePod(stage);
  for (let pods = 0; pods < 3; pods++) {
    stage.world.node.evict(name);
    await pass(stage, stage.chance.of([2_000, 15_000]));
  }
};

const toggleTemplate: Act = ({ world }) => {
  if (world.api.newest().templates.has('default')) world.api.erase('templates', 'default');
  else world.api.create('templates', aTemplate('default'));
};

/** The same key goes with the same request, as a client's repetition does. */
const REQUESTS: readonly RequestOptions[] = [
  { idempotencyKey: 'one', body: { user_id: 'ann' } },
  { idempotencyKey: 'two', body: { user_id: 'eve', ttl_seconds: 600 } },
  { idempotencyKey: 'three', body: { user_id: 'eve', workspace: { ephemeral: true } } },
];

const ask =
  (operation: Operation, more: (chance: Chance) => RequestOptions = () => ({})): Act =>
  (stage) => {
    const wait = stage.chance.of([5, 60, 120]);
    stage.facades.ask(operation, { id: someName(stage), wait, ...more(stage.chance) });
  };

/** What users, machines and the network do; one that is here twice happens twice as often. */
export const ACTS: readonly Act[] = [
  create,
  create,
  (stage) =>
    ignoreRefusal(() =>
      stage.world.want(someName(stage), stage.chance.of(['Running', 'Running', 'Stopped', 'Suspended'])),
    ),
  changeLifetime,
  annotate(ANNOTATION_LAST_ACTIVITY, nowOf),
  annotate(ANNOTATION_LAST_HEARTBEAT, nowOf),
  annotate(ANNOTATION_NEW_RUN, (world) => `run-${world.api.history.length}`),
  (stage) => ignoreRefusal(() => stage.world.api.delete('sandboxes', someName(stage))),
  (stage) => stage.world.node.write(somePod(stage)),
  (stage) => stage.world.node.write(somePod(stage)),
  (stage) => stage.world.node.evict(somePod(stage)),
  waver,
  waver,
  failAgainAndAgain,
  (stage) => stage.world.node.fence(somePod(stage)),
  (stage) => ignoreRefusal(() => stage.world.api.delete('pods', somePod(stage))),
  ({ world, chance }) => ignoreRefusal(() => world.api.delete('workspaces', chance.of(['ann', 'bob']))),
  ({ world }) => {
    world.node.bucket.reachable = !world.node.bucket.reachable;
  },
  ({ machines, chance }) => machines.restartDriver(chance.of(NODE_NAMES)),
  ({ world, chance }) => world.node.silence(chance.of(NODE_NAMES)),
  ({ world, chance }) => world.node.returns(chance.of(NODE_NAMES)),
  toggleTemplate,
  ({ world, chance }) => world.client().dieAfter(chance.number(6)),
  ({ world, chance }) => world.restart(chance.number(3)),
  ({ facades, chance }) => facades.ask('create', { ...chance.of(REQUESTS), wait: 120 }),
  ask('delete'),
  ask('suspend'),
  ask('resume'),
  ask('resume'),
  ask('update', (chance) => ({
    body: { idle_seconds: chance.of([null, 60, 900]), ttl_seconds: chance.of([60, 3_600]) },
  })),
  ask('heartbeat'),
  (stage) => stage.facades.use(someName(stage)),
  ({ facades }) => facades.endUses(),
  ({ facades }) => facades.restartOne(),
  ({ network }) => network.change(),
  ({ world }) => world.api.compact(),
];

/** Everything works from now on. */
export const putRight = async ({ world, network, facades }: Stage): Promise<void> => {
  network.calm();
  facades.endUses();
  world.node.bucket.reachable = true;
  for (const name of NODE_NAMES) world.node.returns(name);
  if (!world.api.newest().templates.has('default')) world.api.create('templates', aTemplate('default'));
  await world.restart();
};
