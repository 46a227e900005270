import packageJson from '../../package.json' with { type: 'json' };
import { systemClock as clock } from '../base/clock.ts';
import { systemRandom as random } from '../base/random.ts';
import { loadControllerConfig } from '../config/controller.ts';
import { makeControllers } from '../controller/make-controllers.ts';
import { makeStorageWatch } from '../controller/storage-watch.ts';
import { loadClusterAccess } from '../kube/load-cluster-access.ts';
import { makeKubeClient } from '../kube/make-kube-client.ts';
import { makeTokenBucket } from '../base/token-bucket.ts';
import { makeEventRecorder } from '../runtime/events.ts';
import { makeLeaderElector } from '../runtime/leader-elector.ts';
import { makeManager } from '../runtime/manager.ts';
import { controllersPart, eventsPart, informersPart, leaderPart } from '../runtime/parts.ts';
import { processSignals } from '../runtime/process-signals.ts';
import { makeEventLoopCheck } from '../telemetry/event-loop-check.ts';
import { operationsPart } from '../telemetry/http-server.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { openLogAndTracer } from '../telemetry/tracing.ts';

/** Milliseconds for an orderly stop: less than the 40 s that the Deployment grants. */
const STOP_MS = 35_000;
/** Calls at the same time apart from those about Sandboxes: about Workspaces, events, lists. */
const OTHER_CALLS = 4;
/**
 * Insurance against a loop gone wild, far above what two cores' API server answers: how many calls it takes from whom
 * is for the API server's own fairness to say. At 100 a second, a burst of sandboxes waited here and nowhere else.
 */
const API_RATE = { perSecond: 1_000, burst: 2_000 };

/** Builds the controller's parts and runs them until a signal comes; the exit code. Throws a ConfigError. */
export const runController = async (): Promise<number> => {
  const { namespace, systemNamespace, podName, bucket, workers, installation, logLevel, tracing, operationsPort } =
    loadControllerConfig();
  const { log, tracer } = await openLogAndTracer({
    level: logLevel,
    component: 'controller',
    tracing,
    version: packageJson.version,
  });
  const { registry, runtime: metrics, onKubeRequest } = makeMetrics();
  const access = {
    access: loadClusterAccess(),
    clock,
    onRequest: onKubeRequest,
    userAgent: 'matrx-sandbox/controller',
  };
  const client = makeKubeClient({
    ...access,
    tracer,
    admit: makeTokenBucket(API_RATE, clock),
    // One for each call that can be under way.
    callConnections: workers + OTHER_CALLS,
    mayWrite: () => elector.mayWrite(),
  });
  // A renewal waits behind nothing.
  const leaseClient = makeKubeClient({ ...access, callConnections: 1 });
  const common = { client, clock, random, log, metrics };
  const events = makeEventRecorder({
    ...common,
    reportingController: 'matrx.dev/controller',
    reportingInstance: podName,
  });
  const { caches, controllers } = makeControllers({ ...common, namespace, workers, installation, events, tracer });
  const storage = makeStorageWatch({ ...common, systemNamespace, bucket });
  const informers = [
    caches.sandboxes,
    caches.workspaces,
    caches.templates,
    caches.pods,
    caches.nodes,
    storage.informer,
  ];
  const elector = makeLeaderElector({
    ...common,
    client: leaseClient,
    namespace: systemNamespace,
    name: 'matrx-controller',
    identity: `${podName}_${random.hex(4)}`,
    // Another replica may lead at any moment from now: whatever is under way must not go on.
    onLost: () => process.exit(1),
  });
  const eventLoop = makeEventLoopCheck();
  const stopping = { name: 'process', check: () => manager.check.check() };
  const manager = makeManager({
    parts: [
      operationsPart({
        port: operationsPort,
        live: [eventLoop, ...controllers.map(({ check }) => check)],
        // Not who leads: a replica that waits is as ready as the one that works.
        ready: [stopping, ...informers.map(({ check }) => check), storage.check],
        registry,
      }),
      eventsPart(events, clock),
      informersPart(informers),
      leaderPart(elector),
      controllersPart(controllers),
    ],
    signals: processSignals,
    clock,
    log,
    stopMs: STOP_MS,
  });
  const exitCode = await manager.run();
  eventLoop.stop();
  await Promise.all([client.close(), leaseClient.close(), tracer.stop()]);
  return exitCode;
};
