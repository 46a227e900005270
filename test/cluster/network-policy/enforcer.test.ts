import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.ts';
import { directAccess } from '../../../src/kube/cluster-access.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { makeKubeClient } from '../../../src/kube/make-kube-client.ts';
import type { Part } from '../../../src/runtime/manager.ts';
import { type Inbox, makeInbox } from '../../support/inbox.ts';
import type { WatchStream } from '../../support/kube-server/exchange.ts';
import { type KubeServer, startKubeServer } from '../../support/kube-server/start-kube-server.ts';
import { makeRecordingLog } from '../../support/recording-log.ts';
import { makeSeededRandom } from '../../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { enforcerParts } from './enforcer.ts';

interface Load {
  readonly rules: string;
  readonly end: () => void;
  readonly fail: (error: Error) => void;
}

const PATHS = {
  pods: '/api/v1/pods',
  namespaces: '/api/v1/namespaces',
  policies: '/apis/networking.k8s.io/v1/networkpolicies',
} as const;

let server: KubeServer;
let client: KubeClient;
let clock: VirtualClock;
let loads: Inbox<Load>;
let parts: readonly Part[];
let log: ReturnType<typeof makeRecordingLog>;
let starting: Promise<void>;

beforeEach(async () => {
  server = await startKubeServer();
  clock = makeVirtualClock();
  client = makeKubeClient({ access: directAccess(server.url), clock });
  loads = makeInbox('load');
  log = makeRecordingLog();
  parts = enforcerParts({
    client,
    clock,
    random: makeSeededRandom(3),
    log,
    // The names of the pods stand for the rules.
    rules: ({ pods, policies }) => `${pods.map(({ name }) => name).join(',')} ${policies.length}`,
    load: (rules) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      loads.push({ rules, end: resolve, fail: reject });
      return promise;
    },
  });
  const start = async (): Promise<void> => {
    for (const part of parts) {
      await part.start({ signal: new AbortController().signal, fail: () => undefined });
    }
  };
  starting = start();
});

afterEach(async () => {
  await starting;
  for (const part of parts.toReversed()) await part.stop();
  await client.close();
  await server.close();
  expect(clock.sleepers()).toBe(0);
});

const pod = (name: string, podIP: string, version: string): KubeObject & { readonly status: object } => ({
  metadata: { name, namespace: 'sandboxes', uid: name, resourceVersion: version },
  status: { phase: 'Running', podIP },
});

const answerList = async (path: string, items: readonly object[]): Promise<void> =>
  (await server.take('GET', path)).json(200, { metadata: { resourceVersion: '10' }, items });
const takeWatch = async (path: string): Promise<WatchStream> => (await server.take('GET', path)).stream();

/** Lists one pod and no policy; the stream of the pods' changes. */
const startWithOnePod = async (): Promise<WatchStream> => {
  await Promise.all([
    answerList(PATHS.pods, [pod('a', '10.244.0.2', '1')]),
    answerList(PATHS.namespaces, []),
    answerList(PATHS.policies, []),
  ]);
  const [pods] = await Promise.all([PATHS.pods, PATHS.namespaces, PATHS.policies].map(takeWatch));
  if (pods === undefined) throw new Error('the pods are not watched');
  return pods;
};

it('loads nothing before pods, namespaces and policies are all known', async () => {
  await Promise.all([answerList(PATHS.pods, [pod('a', '10.244.0.2', '1')]), answerList(PATHS.namespaces, [])]);
  await Promise.all([takeWatch(PATHS.pods), takeWatch(PATHS.namespaces)]);
  expect(loads.unread()).toEqual([]);
  await answerList(PATHS.policies, []);
  await takeWatch(PATHS.policies);
  const load = await loads.next();
  expect(load.rules).toBe('a 0');
  load.end();
});

it('follows what changes, one load at a time, and loads nothing for a change that no rule shows', async () => {
  const pods = await startWithOnePod();
  const first = await loads.next();
  pods.event('ADDED', pod('b', '10.244.0.3', '11'));
  first.end();
  const second = await loads.next();
  expect(second.rules).toBe('a,b 0');
  second.end();
  pods.event('MODIFIED', pod('b', '10.244.0.3', '12'));
  pods.event('DELETED', pod('a', '10.244.0.2', '13'));
  const third = await loads.next();
  expect(third.rules).toBe('b 0');
  third.end();
  expect(loads.unread()).toEqual([]);
});

it('tries again what could not be loaded, and says so', async () => {
  await startWithOnePod();
  (await loads.next()).fail(new Error('nft: no such file'));
  await clock.advance(10_000);
  const again = await loads.next();
  expect(again.rules).toBe('a 0');
  again.end();
  expect(JSON.stringify(log.lines.map(({ message }) => message))).toContain('nft: no such file');
});
