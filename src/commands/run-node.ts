import packageJson from '../../package.json' with { type: 'json' };
import { AGENT_ID } from '../api/names.ts';
import { systemClock as clock } from '../base/clock.ts';
import { systemRandom as random } from '../base/random.ts';
import { loadNodeConfig } from '../config/node.ts';
import { loadClusterAccess } from '../kube/load-cluster-access.ts';
import { makeKubeClient } from '../kube/make-kube-client.ts';
import { makeCold } from '../node/cold/make-cold.ts';
import { makeMounts } from '../node/mounts.ts';
import { makeNodeDriver } from '../node/node-driver.ts';
import { makePrometheusMetrics, sampleDriver } from '../node/prometheus-metrics.ts';
import { makeManager } from '../runtime/manager.ts';
import { processSignals } from '../runtime/process-signals.ts';
import { makeEventLoopCheck } from '../telemetry/event-loop-check.ts';
import { operationsPart } from '../telemetry/http-server.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { openLogAndTracer } from '../telemetry/tracing.ts';
import { openHome } from '../workspace/open-home.ts';
import { checkBucket } from '../workspace/s3/check-bucket.ts';
import { makeOwnCredentials } from '../workspace/s3/own-credentials.ts';
import { makeS3Store } from '../workspace/s3/store.ts';

/** Milliseconds that the driver's other parts get to stop, on top of the last commits. */
const STOP_MS = 10_000;

/** Builds the node driver's parts and runs them until a signal comes; the exit code. Throws a ConfigError. */
export const runNode = async (): Promise<number> => {
  const config = loadNodeConfig();
  const { log, tracer } = await openLogAndTracer({
    level: config.logLevel,
    component: 'node',
    tracing: config.tracing,
    version: packageJson.version,
  });
  const { registry, onKubeRequest } = makeMetrics();
  const kube = makeKubeClient({
    access: loadClusterAccess(),
    clock,
    onRequest: onKubeRequest,
    userAgent: 'matrx-sandbox/node',
    tracer,
  });
  const mounts = makeMounts();
  const connection = {
    ...(config.region === undefined ? {} : { region: config.region }),
    ...(config.endpoint === undefined ? {} : { endpoint: config.endpoint }),
  };
  const store = makeS3Store({ ...connection, bucket: config.bucket, clock, random });
  const own = makeOwnCredentials(connection);
  const cold = makeCold({ ...config, config: config.cold, ownerId: AGENT_ID, own, clock, mounts });
  const driver = makeNodeDriver(
    {
      kube,
      store,
      openHome: (options) => openHome({ ...options, excludes: config.homeExcludes }),
      checkStorage: (signal) => checkBucket(store, { random, signal }),
      mounts,
      cold,
      clock,
      random,
      log,
      tracer,
      metrics: makePrometheusMetrics(registry),
    },
    { ...config, coldDir: config.cold.dir, ownerId: AGENT_ID, version: packageJson.version },
  );
  sampleDriver(registry, { views: driver.views, requests: store.requests });
  const eventLoop = makeEventLoopCheck();
  const stopping = { name: 'process', check: () => manager.check.check() };
  const manager = makeManager({
    parts: [
      operationsPart({
        host: config.operationsHost,
        port: config.operationsPort,
        live: [eventLoop],
        ready: [stopping, ...driver.readiness],
        registry,
      }),
      driver.part,
    ],
    signals: processSignals,
    clock,
    log,
    stopMs: config.drainMs + STOP_MS,
  });
  const exitCode = await manager.run();
  eventLoop.stop();
  store.close();
  await Promise.all([kube.close(), tracer.stop()]);
  return exitCode;
};
