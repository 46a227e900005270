import packageJson from '../../package.json' with { type: 'json' };
import type { Sandbox } from '../api/sandbox.ts';
import { systemClock as clock } from '../base/clock.ts';
import { collectBuffers } from '../base/collect-buffers.ts';
import { systemRandom as random } from '../base/random.ts';
import { loadFacadeConfig } from '../config/facade.ts';
import { makeActivity } from '../facade/activity/activity.ts';
import { makeApp } from '../facade/app.ts';
import { makeDaemonConnections } from '../facade/daemon/connections.ts';
import { makePatientConnections } from '../facade/daemon/patience.ts';
import { makeTracedConnections } from '../facade/daemon/traced.ts';
import type { FacadeDependencies } from '../facade/dependencies.ts';
import { makeRateLimiter } from '../facade/limits/rate-limiter.ts';
import { makeSandboxQuota } from '../facade/limits/sandbox-quota.ts';
import { makeRequestMetrics } from '../facade/request-metrics.ts';
import { restPart } from '../facade/rest-part.ts';
import { makeUpgradeRoutes } from '../facade/routes/table.ts';
import { makeDaemonProcesses } from '../facade/daemon/processes.ts';
import { makeSandboxCache } from '../facade/sandbox-cache.ts';
import { sshGatewayPart } from '../facade/ssh/gateway-part.ts';
import { deriveHostKey, publicKeyLine } from '../facade/ssh/openssh-key.ts';
import { makeTickets } from '../facade/ticket.ts';
import { makeUpgradeHandler } from '../facade/upgrades.ts';
import { makeWebhooksInformer, watchEndpoints } from '../facade/webhooks/endpoint-watch.ts';
import { makeWebhookMetrics } from '../facade/webhooks/webhook-metrics.ts';
import { webhooksPart } from '../facade/webhooks/webhooks-part.ts';
import { loadClusterAccess } from '../kube/load-cluster-access.ts';
import { makeKubeClient } from '../kube/make-kube-client.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import { makeInformer } from '../runtime/informer.ts';
import { makeManager } from '../runtime/manager.ts';
import { informersPart, loopPart } from '../runtime/parts.ts';
import { processSignals } from '../runtime/process-signals.ts';
import { makeEventLoopCheck } from '../telemetry/event-loop-check.ts';
import { operationsPart } from '../telemetry/http-server.ts';
import { makeMetrics } from '../telemetry/metrics.ts';
import { openLogAndTracer } from '../telemetry/tracing.ts';
import { facadeAuthentication } from './facade-authentication.ts';

/** Milliseconds that the other parts get to stop, on top of the requests' own. */
const STOP_MS = 10_000;

/** Builds the facade's parts and runs them until a signal comes; the exit code. Throws a ConfigError. */
export const runFacade = async (): Promise<number> => {
  const config = loadFacadeConfig();
  const { namespace } = config;
  const { log, tracer } = await openLogAndTracer({
    level: config.logLevel,
    format: config.logFormat,
    component: 'facade',
    tracing: config.tracing,
    version: packageJson.version,
  });
  if (config.authentication === 'disabled') {
    log.warn({}, 'MATRX_AUTH is disabled: everyone who reaches this port can use every sandbox');
  }
  const { registry, runtime: metrics, onKubeRequest } = makeMetrics();
  const kube = makeKubeClient({
    access: loadClusterAccess(),
    clock,
    onRequest: onKubeRequest,
    userAgent: 'matrx-sandbox/facade',
    tracer,
  });
  const informer = makeInformer<Sandbox>({
    client: kube,
    type: SANDBOXES,
    selection: { namespace },
    clock,
    random,
    log,
    metrics,
  });
  const cache = makeSandboxCache(informer, namespace);
  const rateLimiter = makeRateLimiter(clock);
  const authentication = facadeAuthentication({
    config,
    kube,
    cache,
    rateLimiter,
    clock,
    random,
    log,
    metrics,
    registry,
  });
  const shutdown = new AbortController();
  const connections = makeTracedConnections(makeDaemonConnections({ privateKey: config.privateKey, clock }), tracer);
  const daemons = makePatientConnections(connections, clock);
  const activity = makeActivity({ kube, cache, namespace, clock, log });
  const { sshGateway } = config;
  const hostKey = deriveHostKey(config.privateKey);
  const dependencies: FacadeDependencies = {
    settings: {
      ...config,
      ssh: sshGateway && { host: sshGateway.publicHost, port: sshGateway.publicPort, hostKey: publicKeyLine(hostKey) },
    },
    kube,
    cache,
    authenticator: authentication.authenticator,
    keyRing: authentication.keyRing,
    rateLimiter,
    quota: makeSandboxQuota(cache),
    daemons,
    activity,
    tickets: makeTickets({ privateKey: config.privateKey, clock }),
    clock,
    random,
    log,
    tracer,
    onRequest: makeRequestMetrics(registry),
    shutdown: shutdown.signal,
    version: packageJson.version,
  };
  const webhookInformer = makeWebhooksInformer({
    systemNamespace: config.systemNamespace,
    client: kube,
    clock,
    random,
    log,
    metrics,
  });
  const webhooks = webhooksPart({
    ...dependencies,
    settings: config,
    systemNamespace: config.systemNamespace,
    informer,
    endpoints: watchEndpoints(webhookInformer, { systemNamespace: config.systemNamespace, log }),
    metrics: makeWebhookMetrics(registry),
    runtimeMetrics: metrics,
  });
  const drainMs = config.drainSeconds * 1000;
  const rest = restPart({
    app: makeApp(dependencies),
    upgrade: makeUpgradeHandler(dependencies, makeUpgradeRoutes(dependencies)),
    host: config.host,
    port: config.port,
    drainMs,
    shutdown,
    clock,
    random,
    log,
  });
  const ssh = sshGateway && [
    sshGatewayPart({
      ...dependencies,
      processes: makeDaemonProcesses(daemons),
      host: config.host,
      port: sshGateway.port,
      hostKey,
      drainMs,
    }),
  ];
  // There with --expose-gc alone.
  const gc = globalThis.gc as ((options: { readonly type: 'minor' | 'major' }) => void) | undefined;
  const collect = gc && ((type: 'minor' | 'major') => gc({ type }));
  const bufferBytes = (): number => process.memoryUsage().arrayBuffers;
  const buffers = collect && [loopPart('buffers', (signal) => collectBuffers({ clock, bufferBytes, collect }, signal))];
  const eventLoop = makeEventLoopCheck();
  const stopping = { name: 'process', check: () => manager.check.check() };
  const manager = makeManager({
    parts: [
      operationsPart({
        port: config.operationsPort,
        live: [eventLoop],
        ready: [stopping, informer.check, ...authentication.informers.map(({ check }) => check), rest.check],
        registry,
      }),
      informersPart([informer, ...authentication.informers]),
      // Nobody waits for it: the API serves also where it may read no Secret.
      loopPart('webhook endpoints', webhookInformer.run),
      webhooks,
      // Stops after those that are used through it.
      { name: 'records of use', start: () => Promise.resolve(), stop: activity.stop },
      ...(buffers ?? []),
      ...(ssh ?? []),
      rest,
    ],
    signals: processSignals,
    clock,
    log,
    stopMs: drainMs + STOP_MS,
  });
  const exitCode = await manager.run();
  eventLoop.stop();
  daemons.close();
  await Promise.all([kube.close(), tracer.stop()]);
  return exitCode;
};
