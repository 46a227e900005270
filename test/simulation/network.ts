import { KubeError } from '../../src/kube/errors.ts';
import type { KubeClient, KubeObject, ResourceType, WatchEvent } from '../../src/kube/client.ts';
import type { NetworkDeps } from '../controller/world.ts';
import type { WriteFate } from '../support/model-api-server/client.ts';
import { type Chance } from './chance.ts';

/**
 * The network between the API server and one process. Each kind of object has a connection of its own for its watch, and
 * each of them lags by itself: what is told of a pod may come long before what was told earlier of its Sandbox. Within one
 * kind the order is the server's, as in a real watch. Connections are cut, and a version that they go on from may be too
 * old by then; after either the reflector sees to it that nothing is missed.
 */
export interface Network {
  readonly fate: () => WriteFate;
  readonly between: (client: KubeClient, deps: NetworkDeps) => KubeClient;
  /** Other delays from now on. */
  readonly change: () => void;
  /** From now on every write arrives, and so does its answer. Views go on lagging. */
  readonly calm: () => void;
  /** Milliseconds: nothing that a view has not heard of is older than this, but for what a cut connection costs. */
  readonly longestLagMs: number;
  /** Whether writes get lost, or their answers. */
  readonly losesWrites: boolean;
  /** Nothing is ever late, lost or cut. */
  readonly isPerfect: boolean;
}

const DELAYS_MS = [0, 0, 20, 300, 3_000] as const;
const LONG_DELAY_MS = 20_000;

export const makeNetwork = (chance: Chance): Network => {
  const lags = chance.of([false, true]);
  let permille = chance.of([0, 0, 20, 100]);
  const longest = lags ? chance.of([300, 3_000, LONG_DELAY_MS]) : 0;
  const breaksPermille = lags ? chance.of([0, 10, 40]) : 0;
  const losesWrites = permille > 0;
  let isCalm = false;
  const delays = new Map<string, number>();
  const delayOf = (plural: string): number => {
    const known = delays.get(plural);
    if (known !== undefined) return known;
    const drawn = Math.min(longest, chance.of([...DELAYS_MS, longest]));
    delays.set(plural, drawn);
    return drawn;
  };

  /** What becomes of a connection that is to deliver an event. */
  const draw = (): 'well' | 'twice' | 'cut' | 'expired' => {
    if (isCalm || chance.number(1000) >= breaksPermille) return 'well';
    return chance.of(['twice', 'cut', 'expired']);
  };

  const watch = async function* <T extends KubeObject>(
    events: AsyncIterable<WatchEvent<T>>,
    plural: string,
    { api, clock }: NetworkDeps,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<WatchEvent<T>> {
    let due = 0;
    for await (const event of events) {
      if ('object' in event) {
        const happened = api.timeOf(Number(event.object.metadata.resourceVersion));
        due = Math.max(due, happened + chance.number(delayOf(plural) + 1));
        if (due > clock.now()) await clock.sleep(due - clock.now(), signal).catch(() => undefined);
        if (signal?.aborted === true) return;
        const becomes = draw();
        if (becomes === 'cut') throw new KubeError('Unreachable', 'the connection was cut');
        if (becomes === 'expired') throw new KubeError('Gone', 'the version is too old', { code: 410 });
        if (becomes === 'twice') yield event;
      }
      yield event;
    }
  };

  return {
    fate: () => {
      const drawn = isCalm ? permille : chance.number(1000);
      return drawn >= permille ? 'done' : drawn % 2 === 0 ? 'lost' : 'unanswered';
    },
    between: (client, deps) => {
      const listed = new Set<string>();
      const list: KubeClient['list'] = async (type, query, options) => {
        const page = await client.list<never>(type, query, options);
        // The first list of a process is waited for; later ones are old when they arrive.
        if (listed.has(type.plural)) await deps.clock.sleep(chance.number(delayOf(type.plural) + 1), options?.signal);
        listed.add(type.plural);
        return page;
      };
      if (longest === 0) return client;
      return {
        ...client,
        list,
        watch: <T extends KubeObject>(
          type: ResourceType,
          query: Parameters<KubeClient['watch']>[1],
          options: Parameters<KubeClient['watch']>[2],
        ) => watch(client.watch<T>(type, query, options), type.plural, deps, options.signal),
      };
    },
    change: () => delays.clear(),
    calm: () => {
      isCalm = true;
      permille = 0;
    },
    longestLagMs: longest,
    losesWrites,
    isPerfect: !losesWrites && longest === 0,
  };
};
