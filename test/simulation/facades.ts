import type { World } from '../controller/world.ts';
import type { Facades } from './acts.ts';
import type { Chance } from './chance.ts';
import { type Facade, startFacade, type Told } from './facade.ts';
import type { Network } from './network.ts';

const REPLICAS = 2;

/** Two replicas that know nothing of each other but what the API server says. */
export const startFacades = async (
  world: World,
  network: Network,
  chance: Chance,
  tell: (told: Told) => void,
): Promise<Facades> => {
  const start = (): Promise<Facade> => startFacade(world, network, chance.number(1_000_000), tell);
  const replicas = await Promise.all(Array.from({ length: REPLICAS }, start));
  const asked: Promise<void>[] = [];
  let uses: (() => void)[] = [];
  const any = (): Facade => chance.of(replicas);
  return {
    any,
    ask: (operation, options) => {
      const answered = any().request(operation, options);
      // It is thrown when all are waited for; until then nobody may take it for unhandled.
      answered.catch(() => undefined);
      asked.push(answered);
    },
    use: (name) => {
      uses = [...uses, any().use(name)];
    },
    endUses: () => {
      for (const end of uses) end();
      uses = [];
    },
    restartOne: async () => {
      const index = chance.number(replicas.length);
      await replicas[index]?.kill();
      replicas[index] = await start();
    },
    stop: async () => {
      for (const facade of replicas.splice(0)) await facade.kill();
      await Promise.all(asked);
    },
  };
};
