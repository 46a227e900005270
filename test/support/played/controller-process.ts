import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom as random } from '../../../src/base/random.ts';
import type { Caches } from '../../../src/controller/caches.ts';
import { makeControllers } from '../../../src/controller/make-controllers.ts';
import type { Installation } from '../../../src/domain/observed.ts';
import { directAccess } from '../../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../../src/kube/make-kube-client.ts';
import type { Informer } from '../../../src/runtime/informer.ts';
import { makeRecordingLog, type LogLine } from '../recording-log.ts';
import { makeRecordingMetrics } from '../recording-metrics.ts';

/** The real controllers, as a process would run them, with a way of their own to the API server. */
export interface ControllerProcess {
  readonly caches: Caches;
  readonly informers: readonly Pick<Informer<never>, 'check' | 'resource'>[];
  readonly metrics: ReturnType<typeof makeRecordingMetrics>;
  readonly log: readonly LogLine[];
  /** Its first lists are there, and its workers work. */
  readonly started: Promise<void>;
  /** Ends it, in whatever it is about. */
  readonly kill: () => Promise<void>;
}

export interface ControllerProcessOptions {
  /** Of a proxy. */
  readonly url: string;
  readonly namespace: string;
  readonly clock?: Clock;
  /** By which deadlines of calls and silences of watches are judged. */
  readonly clientClock?: Clock;
  readonly deadlineMs?: number;
  readonly workers?: number;
  readonly installation?: Installation;
  readonly mayWrite?: () => boolean;
}

export const startControllerProcess = (options: ControllerProcessOptions): ControllerProcess => {
  const { url, namespace, clock = systemClock, workers = 4, installation = {} } = options;
  const log = makeRecordingLog();
  const metrics = makeRecordingMetrics();
  const client = makeKubeClient({
    access: directAccess(url),
    clock: options.clientClock ?? systemClock,
    deadlineMs: options.deadlineMs ?? 30_000,
    callConnections: workers + 4,
    ...(options.mayWrite === undefined ? {} : { mayWrite: options.mayWrite }),
  });
  const { caches, controllers } = makeControllers({
    client,
    namespace,
    workers,
    installation,
    events: { record: () => undefined },
    clock,
    random,
    log,
    metrics,
  });
  const stopping = new AbortController();
  const informers = [caches.sandboxes, caches.workspaces, caches.templates, caches.pods, caches.nodes];
  const running = Promise.all(informers.map((informer) => informer.run(stopping.signal)));
  const start = async (): Promise<void> => {
    await Promise.all(informers.map(({ synced }) => synced));
    if (stopping.signal.aborted) return;
    for (const controller of controllers) controller.start();
  };
  return {
    caches,
    informers,
    metrics,
    log: log.lines,
    started: start(),
    kill: async () => {
      stopping.abort();
      await Promise.all(controllers.map((controller) => controller.stop(0)));
      await client.close();
      await running;
    },
  };
};
