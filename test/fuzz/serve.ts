// The real facade on loopback, on a cluster that is played: what schemathesis asks. Prints its URL once it listens, and
// ends with its input.
import { generateKeyPairSync } from 'node:crypto';
import packageJson from '../../package.json' with { type: 'json' };
import { systemClock as clock } from '../../src/base/clock.ts';
import { systemRandom as random } from '../../src/base/random.ts';
import { makeActivity } from '../../src/facade/activity/activity.ts';
import { makeApp } from '../../src/facade/app.ts';
import { staticKeyAuthenticator } from '../../src/facade/authenticator.ts';
import { makeDaemonConnections } from '../../src/facade/daemon/connections.ts';
import type { FacadeDependencies } from '../../src/facade/dependencies.ts';
import { restPart } from '../../src/facade/rest-part.ts';
import { makeUpgradeRoutes } from '../../src/facade/routes/table.ts';
import { makeRateLimiter } from '../../src/facade/limits/rate-limiter.ts';
import { makeSandboxQuota } from '../../src/facade/limits/sandbox-quota.ts';
import { makeTickets } from '../../src/facade/ticket.ts';
import { TEST_SETTINGS } from '../facade/support/settings.ts';
import { makeSandboxCache } from '../../src/facade/sandbox-cache.ts';
import { makeUpgradeHandler } from '../../src/facade/upgrades.ts';
import { EVENTS, WORKSPACES } from '../../src/kube/resource-types.ts';
import { makeLog } from '../../src/telemetry/log.ts';
import { makeFakeCluster } from '../facade/support/fake-cluster.ts';
import { aSandbox, aWorkspace, NAMESPACE } from '../support/resources.ts';
import { playController } from './controller.ts';
import { FUZZ_KEY, KNOWN_SANDBOX, KNOWN_USER } from './names.ts';
import { startStandInDaemon } from './stand-in-daemon.ts';

const cluster = makeFakeCluster();
playController(cluster, new Set([KNOWN_SANDBOX]));
cluster.add(aSandbox(KNOWN_SANDBOX).ofUser(KNOWN_USER).build());
const commit = (sequence: number) => ({
  sequence,
  manifest: `.ws/manifests/0000000003-000000000${sequence}-0123abcd.json.gz`,
  committedAt: '2026-01-02T03:04:05Z',
  files: 12,
  bytes: 3456,
});
cluster.addOther(
  WORKSPACES,
  aWorkspace(KNOWN_USER, { head: { epoch: 3, ...commit(2) }, history: [commit(2), commit(1)] }),
);
cluster.addOther(EVENTS, {
  metadata: { name: 'event', namespace: NAMESPACE },
  regarding: { kind: 'Sandbox', name: KNOWN_SANDBOX, uid: `uid-of-${KNOWN_SANDBOX}` },
  eventTime: '2026-01-02T03:04:05.000000Z',
  type: 'Normal',
  reason: 'Ready',
  note: 'the sandbox is running',
  reportingController: 'matrx.dev/controller',
} as never);
cluster.onExec(() =>
  Promise.resolve({ exitCode: 0, stdout: Buffer.from('out'), stderr: Buffer.alloc(0), truncated: false }),
);
cluster.onLog(() =>
  Promise.resolve(
    (async function* () {
      yield await Promise.resolve(Buffer.from('a line\n'));
    })(),
  ),
);

const shutdown = new AbortController();
const daemon = await startStandInDaemon();
const { privateKey } = generateKeyPairSync('ed25519');
const log = makeLog({ level: 'error', component: 'facade' });
const cache = makeSandboxCache(cluster.informer, NAMESPACE);
const dependencies: FacadeDependencies = {
  settings: {
    ...TEST_SETTINGS,
    startTimeoutSeconds: 2,
    stopTimeoutSeconds: 2,
  },
  kube: cluster.kube,
  cache,
  authenticator: staticKeyAuthenticator(FUZZ_KEY),
  daemons: makeDaemonConnections({ privateKey, clock, port: daemon.port }),
  rateLimiter: makeRateLimiter(clock),
  quota: makeSandboxQuota(cache),
  activity: makeActivity({ kube: cluster.kube, cache, namespace: NAMESPACE, clock, log }),
  tickets: makeTickets({ privateKey, clock }),
  clock,
  random,
  log,
  shutdown: shutdown.signal,
  version: packageJson.version,
};
const server = restPart({
  app: makeApp(dependencies),
  upgrade: makeUpgradeHandler(dependencies, makeUpgradeRoutes(dependencies)),
  host: '127.0.0.1',
  port: 0,
  drainMs: 1000,
  shutdown,
  clock,
  random,
  log,
});
await server.start({ signal: shutdown.signal, fail: () => process.exit(1) });
process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
process.stdin.resume();
process.stdin.once('end', () => void daemon.close().finally(() => process.exit(0)));
