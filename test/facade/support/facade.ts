import { generateKeyPairSync } from 'node:crypto';
import { afterEach, expect } from '@jest/globals';
import pino from 'pino';
import { makeApp } from '../../../src/facade/app.ts';
import { makeActivity } from '../../../src/facade/activity/activity.ts';
import { staticKeyAuthenticator } from '../../../src/facade/authenticator.ts';
import { makeDaemonConnections } from '../../../src/facade/daemon/connections.ts';
import type { FacadeDependencies, FacadeSettings, RequestReport } from '../../../src/facade/dependencies.ts';
import { makeRateLimiter } from '../../../src/facade/limits/rate-limiter.ts';
import { makeSandboxQuota } from '../../../src/facade/limits/sandbox-quota.ts';
import { restPart } from '../../../src/facade/rest-part.ts';
import { makeUpgradeRoutes } from '../../../src/facade/routes/table.ts';
import { makeSandboxCache } from '../../../src/facade/sandbox-cache.ts';
import { makeTickets } from '../../../src/facade/ticket.ts';
import { makeUpgradeHandler } from '../../../src/facade/upgrades.ts';
import { NAMESPACE } from '../../support/resources.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { makeVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { type FakeCluster, makeFakeCluster } from './fake-cluster.ts';
import { TEST_SETTINGS } from './settings.ts';

export const API_KEY = 'the-key';
/** What the facade under test signs its access tokens with; a daemon of a test takes the public half. */
export const { privateKey: FACADE_KEY, publicKey: FACADE_PUBLIC_KEY } = generateKeyPairSync('ed25519');

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON, or text; undefined where there is no body. */
  readonly body: unknown;
}

export interface RequestOptions {
  readonly method?: string;
  /** Sent as JSON; a string or bytes as they are. */
  readonly body?: unknown;
  /** Null takes a header away that is sent otherwise: X-API-Key, Content-Type. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly signal?: AbortSignal;
}

export type LogLine = Readonly<Record<string, unknown>>;

export interface TestFacade {
  readonly url: string;
  readonly dependencies: FacadeDependencies;
  readonly cluster: FakeCluster;
  readonly clock: VirtualClock;
  /** The log's lines so far. */
  readonly logged: () => readonly LogLine[];
  /** Resolves with the first line, past or to come, that `matches`. */
  readonly untilLogged: (matches: (line: LogLine) => boolean) => Promise<LogLine>;
  readonly request: (path: string, options?: RequestOptions) => Promise<Answer>;
  readonly stop: () => Promise<void>;
}

const running = new Set<TestFacade>();

afterEach(async () => {
  for (const facade of running) await facade.stop();
});

/** The real app on a free port, on a fake cluster and virtual time; stopped after the test, and then without a timer. */
export const startFacade = async (
  more: Partial<FacadeSettings> = {},
  onRequest: (report: RequestReport) => void = () => undefined,
  overrides: Partial<FacadeDependencies> = {},
): Promise<TestFacade> => {
  const cluster = makeFakeCluster();
  const clock = makeVirtualClock();
  const lines: LogLine[] = [];
  let listeners: readonly ((line: LogLine) => void)[] = [];
  const write = (text: string): void => {
    const line = JSON.parse(text) as LogLine;
    lines.push(line);
    for (const listener of listeners) listener(line);
  };
  const log = pino({ level: 'debug' }, { write });
  const shutdown = new AbortController();
  const settings: FacadeSettings = { ...TEST_SETTINGS, ...more };
  const cache = makeSandboxCache(cluster.informer, NAMESPACE);
  const dependencies: FacadeDependencies = {
    settings,
    kube: cluster.kube,
    cache,
    authenticator: staticKeyAuthenticator(API_KEY),
    rateLimiter: makeRateLimiter(clock),
    quota: makeSandboxQuota(cache),
    // No daemon listens there: an image without one.
    daemons: makeDaemonConnections({ privateKey: FACADE_KEY, clock: systemClock, port: 1 }),
    activity: makeActivity({ kube: cluster.kube, cache, namespace: NAMESPACE, clock, log }),
    tickets: makeTickets({ privateKey: FACADE_KEY, clock }),
    clock,
    random: systemRandom,
    log,
    onRequest,
    shutdown: shutdown.signal,
    version: '0.1.0',
    ...overrides,
  };
  const app = makeApp(dependencies);
  const upgrade = makeUpgradeHandler(dependencies, makeUpgradeRoutes(dependencies));
  const server = restPart({
    app,
    upgrade,
    host: '127.0.0.1',
    port: 0,
    drainMs: 20_000,
    shutdown,
    clock,
    random: systemRandom,
    log,
  });
  await server.start({ signal: new AbortController().signal, fail: () => undefined });
  const url = `http://127.0.0.1:${server.address().port}`;
  const facade: TestFacade = {
    url,
    dependencies,
    cluster,
    clock,
    logged: () => lines,
    untilLogged: (matches) =>
      new Promise((resolve) => {
        const look = (line: LogLine): void => {
          if (matches(line)) resolve(line);
        };
        listeners = [...listeners, look];
        for (const line of lines) look(line);
      }),
    request: (path, options = {}) => send(`${url}${path}`, options),
    stop: async () => {
      running.delete(facade);
      shutdown.abort();
      await server.stop();
      await dependencies.activity.stop();
      expect(clock.sleepers()).toBe(0);
    },
  };
  running.add(facade);
  return facade;
};

const send = async (url: string, { method, body, headers = {}, signal }: RequestOptions): Promise<Answer> => {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const all = { 'X-API-Key': API_KEY, 'Content-Type': body === undefined ? null : 'application/json', ...headers };
  const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null);
  const response = await fetch(url, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: sent,
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  const isText = response.headers.get('content-type')?.startsWith('text/') === true;
  const parsed = (): unknown => (text === '' ? undefined : JSON.parse(text));
  return { status: response.status, headers: response.headers, body: isText ? text : parsed() };
};
