import { expect } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import type { KubeObject } from '../../src/kube/client.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { PODS } from '../../src/kube/resource-types.ts';
import { type Informer, makeInformer } from '../../src/runtime/informer.ts';
import { type Inbox, makeInbox } from '../support/inbox.ts';
import type { Exchange, WatchStream } from '../support/kube-server/exchange.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { makeRecordingLog } from '../support/recording-log.ts';
import { makeRecordingMetrics } from '../support/recording-metrics.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

export const PODS_PATH = '/api/v1/namespaces/sandboxes/pods';

/** An informer of pods on a scripted server, in virtual time. */
export interface InformerFixture {
  readonly server: KubeServer;
  readonly clock: VirtualClock;
  readonly informer: Informer<KubeObject>;
  readonly log: ReturnType<typeof makeRecordingLog>;
  readonly metrics: ReturnType<typeof makeRecordingMetrics>;
  /** `added a/1`: kind, name, version. */
  readonly changes: Inbox<string>;
  readonly start: () => void;
  /** The next request, which must be a list; moves time on to where it is made. */
  readonly takeList: () => Promise<Exchange>;
  readonly takeWatch: (resourceVersion: string) => Promise<WatchStream>;
  /** Ends everything and proves that nothing is left: no timer, no connection. */
  readonly stop: () => Promise<void>;
}

export const pod = (name: string, version: string, uid = `uid-${name}`): KubeObject => ({
  metadata: { name, namespace: 'sandboxes', uid, resourceVersion: version },
});

export const makeInformerFixture = async (options: { resyncMs?: number } = {}): Promise<InformerFixture> => {
  const server = await startKubeServer();
  const clock = makeVirtualClock();
  const log = makeRecordingLog();
  const metrics = makeRecordingMetrics();
  const client = makeKubeClient({ access: directAccess(server.url), clock });
  const informer = makeInformer<KubeObject>({
    client,
    type: PODS,
    selection: { namespace: 'sandboxes' },
    clock,
    random: makeSeededRandom(7),
    log,
    metrics,
    ...options,
  });
  const changes = makeInbox<string>('change');
  informer.onChange(({ kind, object }) => {
    changes.push(`${kind} ${object.metadata.name}/${object.metadata.resourceVersion}`);
  });
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const take = async (watch: boolean): Promise<Exchange> => {
    const exchange = await server.take('GET', PODS_PATH);
    expect(exchange.query['watch']).toBe(watch ? 'true' : undefined);
    return exchange;
  };

  return {
    server,
    clock,
    informer,
    log,
    metrics,
    changes,
    start: () => {
      running = informer.run(stopping.signal);
    },
    takeList: () => take(false),
    takeWatch: async (resourceVersion) => {
      const exchange = await take(true);
      expect(exchange.query['resourceVersion']).toBe(resourceVersion);
      return exchange.stream();
    },
    stop: async () => {
      stopping.abort();
      await running;
      await client.close();
      await server.close();
      expect(clock.sleepers()).toBe(0);
      expect(changes.unread()).toEqual([]);
    },
  };
};

/** Lets the reflector reach its next wait, then moves time to the end of it. */
export const passBackoff = async (clock: VirtualClock, afterFailures: () => number, count: number): Promise<void> => {
  await eventually(() => afterFailures() >= count);
  await eventually(() => clock.sleepers() > 0);
  await clock.advanceToNext();
};
