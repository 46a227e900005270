import { uniqueName } from '../e2e/names.ts';
import type { ApiServerProxy } from '../api-server-proxy/start-proxy.ts';
import { makeWarpedClock } from '../warped-clock.ts';
import { type ControllerProcess, startControllerProcess } from './controller-process.ts';
import { brokenPromises, type Life, makeLife } from './life.ts';
import { clearAway, type LifePath } from './life-paths.ts';
import type { PlayedCluster } from './played-cluster.ts';
import { startPlayedNode } from './played-node.ts';
import { untilQuiet } from './quiet.ts';

/** A namespace in which one life after another is lived. */
export interface Lane {
  readonly life: Life;
  readonly cluster: PlayedCluster;
  readonly close: () => Promise<void>;
}

/**
 * What becomes of the controller on a path:
 *
 * - dies: its `after`-th write is the last that the API server takes from its process, and nothing is answered any more;
 *   with 0, not even the first is taken. A new process follows, which knows nothing.
 * - unanswered: every second write is applied and the connection cut, from the first or from the second on; the process
 *   goes on.
 */
export type Struck =
  | { readonly how: 'never' }
  | { readonly how: 'dies'; readonly after: number }
  | { readonly how: 'unanswered'; readonly from: 1 | 2 };

/** Waits of seconds take a tenth of that. */
const RATE = 10;

export const openLane = async (cluster: PlayedCluster): Promise<Lane> => {
  const namespace = await cluster.makeNamespace();
  const { client } = cluster;
  const node = await startPlayedNode({ client, namespace, node: cluster.node });
  return { cluster, life: makeLife(client, namespace, node), close: () => node.stop() };
};

/**
 * One path from beginning to end, with the controller struck in the middle of it. Resolves with the writes of the path
 * that the API server has taken; throws where it does not end as it must, or ends with a promise broken.
 */
export const walk = async ({ cluster, life }: Lane, path: LifePath, struck: Struck): Promise<readonly string[]> => {
  const name = uniqueName('life');
  const clock = makeWarpedClock({ rate: RATE });
  const proxies: ApiServerProxy[] = [];
  const open = async (): Promise<ApiServerProxy> => {
    const opened = await cluster.openProxy();
    proxies.push(opened);
    return opened;
  };
  const proxy = await open();
  const start = (url: string): ControllerProcess => startControllerProcess({ url, namespace: life.namespace, clock });
  let process = start(proxy.url);
  try {
    await process.started;
    await path.prepare(life, name);
    await untilQuiet(proxies);
    const before = proxy.written.length;
    const died = strike(proxy, struck);
    const over = (): boolean => path.isOver(life, name);
    const acted = path.act(life, name);
    const finish = async (): Promise<'over'> => {
      await acted;
      await life.until('it is over', over);
      await untilQuiet(proxies);
      return 'over';
    };
    const finished = finish();
    // The last writes of a path are not always as many: where there was no such write, nothing was left to do.
    if (struck.how === 'dies' && (await Promise.race([died, finished])) === 'died') {
      await process.kill();
      process = start((await open()).url);
    }
    await finished;
    const broken = brokenPromises(life);
    if (broken.length > 0) throw new Error(broken.join('\n'));
    const writes = proxy.written.slice(before).map(({ method, path: to }) => `${method} ${to}`);
    proxy.heal();
    await clearAway(life);
    return writes;
  } catch (error) {
    throw new Error(`${path.what}, ${JSON.stringify(struck)}`, { cause: error });
  } finally {
    await process.kill();
    await Promise.all(proxies.map((one) => one.close()));
  }
};

/** Resolves when the process is dead, which it never is but for `dies`. */
const strike = (proxy: ApiServerProxy, struck: Struck): Promise<'died'> => {
  const died = Promise.withResolvers<'died'>();
  if (struck.how === 'never') return died.promise;
  let count = 0;
  let isDead = false;
  const die = (): void => {
    proxy.cutAll();
    died.resolve('died');
  };
  proxy.plan(({ isWrite }) => {
    if (isDead) return { kind: 'cut', applied: false };
    if (!isWrite) return undefined;
    count += 1;
    if (struck.how === 'unanswered')
      return (count - struck.from) % 2 === 0 ? { kind: 'cut', applied: true } : undefined;
    if (count < struck.after) return undefined;
    isDead = true;
    return { kind: 'cut', applied: struck.after > 0, done: die };
  });
  return died.promise;
};
