import { createPrivateKey } from 'node:crypto';
import pino from 'pino';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { NO_ACTIVITY } from '../../../src/facade/activity/activity.ts';
import { makeApp } from '../../../src/facade/app.ts';
import { makeDaemonConnections } from '../../../src/facade/daemon/connections.ts';
import { makePatientConnections } from '../../../src/facade/daemon/patience.ts';
import type { FacadeDependencies } from '../../../src/facade/dependencies.ts';
import { restPart } from '../../../src/facade/rest-part.ts';
import { makeUpgradeRoutes } from '../../../src/facade/routes/table.ts';
import { makeSandboxCache } from '../../../src/facade/sandbox-cache.ts';
import { makeRateLimiter } from '../../../src/facade/limits/rate-limiter.ts';
import { makeSandboxQuota } from '../../../src/facade/limits/sandbox-quota.ts';
import { makeTickets } from '../../../src/facade/ticket.ts';
import { makeUpgradeHandler } from '../../../src/facade/upgrades.ts';
import { aSandbox, NAMESPACE } from '../../support/resources.ts';
import { readOptions, say } from '../../support/run-as-program.ts';
import { makeFakeCluster } from './fake-cluster.ts';
import { TEST_SETTINGS } from './settings.ts';
import { ready } from './statuses.ts';

export interface FacadeProgramOptions {
  /** PKCS #8 DER, base64. */
  readonly privateKey: string;
  readonly daemonPort: number;
  readonly sandboxes: readonly { readonly name: string; readonly podIP: string; readonly podUid: string }[];
}

const options = readOptions() as FacadeProgramOptions;
const cluster = makeFakeCluster();
for (const { name, podIP, podUid } of options.sandboxes) {
  cluster.add(aSandbox(name).status(ready(name, { podIP, podUid })).build());
}
const clock = systemClock;
const log = pino({ level: 'silent' });
const shutdown = new AbortController();
const privateKey = createPrivateKey({ key: Buffer.from(options.privateKey, 'base64'), format: 'der', type: 'pkcs8' });
const connections = makeDaemonConnections({ privateKey, clock, port: options.daemonPort });
const cache = makeSandboxCache(cluster.informer, NAMESPACE);
const dependencies: FacadeDependencies = {
  settings: TEST_SETTINGS,
  kube: cluster.kube,
  cache,
  authenticator: undefined,
  daemons: makePatientConnections(connections, clock),
  rateLimiter: makeRateLimiter(clock),
  quota: makeSandboxQuota(cache),
  activity: NO_ACTIVITY,
  tickets: makeTickets({ privateKey, clock }),
  clock,
  random: systemRandom,
  log,
  shutdown: shutdown.signal,
  version: '0.1.0',
};
const server = restPart({
  app: makeApp(dependencies),
  upgrade: makeUpgradeHandler(dependencies, makeUpgradeRoutes(dependencies)),
  host: '127.0.0.1',
  port: 0,
  drainMs: 1000,
  shutdown,
  clock,
  random: systemRandom,
  log,
});
await server.start({ signal: new AbortController().signal, fail: () => undefined });
say(`http://127.0.0.1:${server.address().port}`);
