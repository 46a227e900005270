import { beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { KubeError } from '../../src/kube/errors.ts';
import { makeSessionReporter, type SessionReporter } from '../../src/node/session-reporter.ts';
import type { SessionView } from '../../src/node/session-status.ts';
import { makeSeededRandom } from '../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { makeEffects } from './support/effects.ts';
import { makeFakeCluster, NODE, type FakeCluster } from './support/fake-cluster.ts';
import { aRecord } from './support/record.ts';

const aView = (change: Partial<SessionView> = {}): SessionView => ({
  record: aRecord({ state: 'Open' }),
  ready: true,
  failure: undefined,
  progress: undefined,
  dirty: false,
  skipped: 0,
  head: undefined,
  commits: [],
  ...change,
});

describe('a session’s reporter', () => {
  let cluster: FakeCluster;
  let clock: VirtualClock;
  let reporter: SessionReporter;

  beforeEach(() => {
    cluster = makeFakeCluster();
    clock = makeVirtualClock();
    reporter = makeSessionReporter({
      kube: cluster.client(makeEffects()),
      clock,
      random: makeSeededRandom(1),
      log: pino({ level: 'silent' }),
      node: NODE,
    });
  });

  test('writes the session and its head', async () => {
    const head = { epoch: 1, sequence: 3, manifest: '.ws/manifests/m', committedAt: 0, files: 2, bytes: 5 };
    reporter.update(aView({ head, dirty: true, skipped: 4 }));
    await reporter.settled();
    expect(cluster.session()).toEqual({
      epoch: 1,
      node: NODE,
      state: 'Open',
      dirty: true,
      skipped: 4,
      updatedAt: '2026-01-01T00:00:00Z',
    });
    expect(cluster.status().head).toEqual({ ...head, committedAt: '1970-01-01T00:00:00Z' });
  });

  describe('tells of commits', () => {
    const commit = (sequence: number) => ({
      sequence,
      manifest: `.ws/manifests/${sequence}`,
      committedAt: '2026-01-01T00:00:00Z',
      files: sequence,
      bytes: 0,
    });
    const headAt = (sequence: number) => ({ epoch: 1, ...commit(sequence), committedAt: 0 });
    const history = (): readonly number[] | undefined => cluster.status().history?.map(({ sequence }) => sequence);

    test('with the head, in one patch, none left out that was made while another was written', async () => {
      reporter.update(aView({ head: headAt(1), commits: [commit(1)] }));
      reporter.update(aView({ head: headAt(2), commits: [commit(2), commit(1)] }));
      reporter.update(aView({ head: headAt(3), commits: [commit(3), commit(2), commit(1)] }));
      await reporter.settled();
      expect(cluster.statusWrites()).toBe(2);
      expect(history()).toEqual([3, 2, 1]);
      expect(cluster.status().history?.[0]).toEqual(commit(3));
    });

    test('on top of those of earlier sessions and drivers, of which it keeps the newest twenty', async () => {
      cluster.setHistory([10, 9, 8].map(commit));
      reporter.update(aView({ head: headAt(10), commits: [commit(10)] }));
      await reporter.settled();
      expect(history()).toEqual([10, 9, 8]);
      for (let sequence = 11; sequence <= 40; sequence += 1) {
        reporter.update(aView({ head: headAt(sequence), commits: [commit(sequence)] }));
        await reporter.settled();
      }
      expect(history()).toEqual(Array.from({ length: 20 }, (_, i) => 40 - i));
    });

    test('and forgets those of a history that HEAD does not go on from', async () => {
      cluster.setHistory([10, 9, 2, 1].map(commit));
      reporter.update(aView({ head: headAt(3), commits: [commit(3)] }));
      await reporter.settled();
      expect(history()).toEqual([3, 2, 1]);
    });

    test('which is also how a restore of an older one is told', async () => {
      const restored = { requestId: 'r1', manifest: '.ws/manifests/1', sequence: 1, at: 0 };
      reporter.update(aView({ head: { ...headAt(3), restored }, commits: [commit(3)] }));
      await reporter.settled();
      expect(cluster.status().restored).toEqual({ ...restored, at: '1970-01-01T00:00:00Z' });
      expect(cluster.status().head).not.toHaveProperty('restored');
    });
  });

  test('writes nothing twice, and of many views that come at once only the first and the last', async () => {
    for (let skipped = 1; skipped <= 50; skipped += 1) reporter.update(aView({ skipped }));
    await reporter.settled();
    reporter.update(aView({ skipped: 50 }));
    await reporter.settled();
    expect(cluster.statusWrites()).toBe(2);
    expect(cluster.session()?.skipped).toBe(50);
  });

  test('tries again until the API server takes it, and then writes what holds by then', async () => {
    cluster.fail(new KubeError('ServerError', 'etcd is away', { code: 500 }));
    reporter.update(aView());
    await clock.advance(60_000);
    reporter.update(aView({ record: aRecord({ state: 'Saving' }) }));
    cluster.fail(undefined);
    await clock.advance(20_000);
    await reporter.settled();
    expect(cluster.states()).toEqual(['Saving']);
  });

  test.each([
    ['another Sandbox writes now', { sandbox: 'x', uid: 'other', epoch: 1, acquiredAt: '' }],
    ['the epoch is over', { sandbox: 'demo', uid: 'sandbox-uid', epoch: 2, acquiredAt: '' }],
    ['nobody writes', undefined],
  ])('gives up where %s', async (_name, writer) => {
    cluster.setWriter(writer);
    reporter.update(aView());
    await reporter.settled();
    expect(cluster.session()).toBeUndefined();
    expect(clock.sleepers()).toBe(0);
  });

  test('gives up where the Workspace is gone', async () => {
    cluster.set('Workspace', 'ann', undefined);
    reporter.update(aView());
    await reporter.settled();
    expect(cluster.statusWrites()).toBe(0);
  });

  test('does not take a patch that is refused for another reason for the end of its epoch', async () => {
    const refused = new KubeError('Invalid', 'status.session.message: Too long', { code: 422 });
    let answers: readonly (KubeError | undefined)[] = [refused, refused, undefined];
    const client = cluster.client(makeEffects());
    reporter = makeSessionReporter({
      kube: {
        get: client.get,
        jsonPatch: (ref, patch) => {
          const [answer, ...rest] = answers;
          answers = rest;
          return answer === undefined ? client.jsonPatch(ref, patch) : Promise.reject(answer);
        },
      },
      clock,
      random: makeSeededRandom(1),
      log: pino({ level: 'silent' }),
      node: NODE,
    });
    reporter.update(aView({ record: aRecord({ state: 'Closed' }) }));
    await clock.advance(5000);
    await reporter.settled();
    expect(cluster.session()?.state).toBe('Closed');
  });

  test('stops at once when the driver stops', async () => {
    cluster.fail(new KubeError('Unreachable', 'connection refused'));
    reporter.update(aView());
    await clock.advance(1000);
    reporter.stop();
    await reporter.settled();
    expect(clock.sleepers()).toBe(0);
  });
});
