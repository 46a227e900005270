import type { Rules } from '../../src/controller/reconcile.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { makeWorld, type World } from '../controller/world.ts';
import { must } from '../domain/model/broken.ts';
import type { AppliedWrite } from '../support/model-api-server/client.ts';
import { ACTS, pass, putRight, type Stage } from './acts.ts';
import { checkAnswers } from './answers.ts';
import { checkRest } from './at-rest.ts';
import { makeChance } from './chance.ts';
import type { Told } from './facade.ts';
import { startFacades } from './facades.ts';
import { type Machines, makeMachines } from './machines.ts';
import { makeNetwork } from './network.ts';
import { checkHistory } from './promises.ts';

const STEPS = 40;
/** Of virtual time, for everything to come to rest: longer than any delay between two attempts, and any limit of idleness. */
const REST_MS = 20 * 60_000;
const MOST_TURNS = 4_000;

/** A product that is not as it should be, to see that it is noticed. */
export interface Tampering {
  readonly rules?: Rules;
  /** What the controllers' requests become. */
  readonly client?: (client: KubeClient) => KubeClient;
  /** The same of the node drivers'. */
  readonly driver?: (client: KubeClient) => KubeClient;
}

/**
 * One history that follows from its seed alone: the real controllers, two replicas of the real facade
 * and two real node drivers, on a model of API server, kubelets and bucket, in virtual time; with views that lag, writes
 * that are lost or whose answers are, crashes, and nodes that fall silent. What must never be is checked in every state
 * there was; then everything is put right, and what must be in the end is. Throws with what was broken.
 */
export const simulate = async (
  seed: number,
  { rules, client = (it) => it, driver = (it) => it }: Tampering = {},
): Promise<void> => {
  const chance = makeChance(seed);
  const network = makeNetwork(chance);
  const written = new Map<number, AppliedWrite>();
  const writes = makeWriteCount();
  const made = Promise.withResolvers<Machines>();
  const world = await makeWorld({
    seed,
    // What is written in a circle, each write the cause of the next, would not let time pass.
    fate: () => (writes.isOver() ? 'lost' : network.fate()),
    between: (model, deps) => client(network.between(model, deps)),
    makeNode: (deps) => {
      const machines = makeMachines(deps, network, seed, driver);
      made.resolve(machines);
      return machines;
    },
    onWrite: (write) => {
      writes.add();
      for (let version = write.from; version < write.end; version++) written.set(version, write);
    },
    ...(rules === undefined ? {} : { rules }),
  });
  const machines = await made.promise;
  await machines.start();
  const dead = new Set<number>();
  const noteDeath = (): void => {
    if (world.client().isDead()) dead.add(world.api.history.length - 1);
  };
  const unsubscribe = world.api.subscribe(noteDeath);
  const answers: Told[] = [];
  const facades = await startFacades(world, network, chance, (told) => void answers.push(told));
  const stage: Stage = { world, chance, network, facades, machines };
  try {
    for (let step = 0; step < STEPS; step++) {
      await chance.of(ACTS)(stage);
      await pass(stage, chance.of([0, 100, 1_000, 5_000, 60_000]));
      // Of its own write: where nobody makes another before the next process begins, that one's first would hide it.
      noteDeath();
      writes.check();
    }
    await putRight(stage);
    await rest(world, writes.check);
    await facades.stop();
    checkAnswers(world.api, answers);
    unsubscribe();
    checkHistory({ api: world.api, written, dead, network });
    checkRest(world);
    machines.checkFiles();
    await checkNoWrite(world);
  } finally {
    await facades.stop();
    await machines.stop();
    await world.stop();
  }
};

/** More than any history needs: whoever writes so often does not come to rest, and need not be waited for. */
const MOST_WRITES = 3_000;

const makeWriteCount = () => {
  let count = 0;
  const isOver = (): boolean => count > MOST_WRITES;
  return {
    add: (): void => {
      count += 1;
    },
    isOver,
    check: (): void => must(!isOver(), 'it writes without an end'),
  };
};

const rest = async (world: World, check: () => void): Promise<void> => {
  let quietMs = 0;
  for (let turns = 0; quietMs < REST_MS; turns++) {
    check();
    must(turns <= MOST_TURNS, 'it does not come to rest', world.events.slice(-10));
    const before = world.api.history.length;
    const ms = await world.turn(REST_MS);
    quietMs = world.api.history.length === before ? quietMs + ms : 0;
  }
};

const checkNoWrite = async (world: World): Promise<void> => {
  const before = world.client().writes.length;
  for (let turns = 0; turns < 5; turns++) await world.turn(60_000);
  const more = world.client().writes.slice(before);
  must(more.length === 0, 'it writes at rest', more);
};
