import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pino from 'pino';
import { KubeError } from '../../src/kube/errors.ts';
import { makeStorageWatch, type StorageVerdict, type StorageWatch } from '../../src/node/storage-watch.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { makeEffects } from './support/effects.ts';
import { makeFakeCluster, NODE, type FakeCluster } from './support/fake-cluster.ts';

const forbidden: StorageVerdict = {
  ok: false,
  reason: 'Forbidden',
  permission: 's3:PutObject',
  message: 's3://bucket: access denied',
};

describe('the watch over the storage', () => {
  let clock: VirtualClock;
  let cluster: FakeCluster;
  let verdict: StorageVerdict;
  let looks: number;
  let answered: Promise<void>;
  let watch: StorageWatch;
  let running: Promise<void>;
  const stopping = { controller: new AbortController() };

  beforeEach(() => {
    clock = makeVirtualClock();
    cluster = makeFakeCluster();
    looks = 0;
    answered = Promise.resolve();
    stopping.controller = new AbortController();
    watch = makeStorageWatch({
      kube: cluster.client(makeEffects()),
      clock,
      log: pino({ level: 'silent' }),
      check: () => {
        looks += 1;
        return answered.then(() => verdict);
      },
      bucket: 'bucket',
      node: NODE,
      systemNamespace: 'matrx-system',
    });
  });
  afterEach(async () => {
    stopping.controller.abort();
    await running;
  });

  const start = async (): Promise<void> => {
    running = watch.run(stopping.controller.signal);
    await clock.advance(0);
  };
  const lastReport = (): unknown => {
    const patch = cluster.configMaps().at(-1) as { data: Record<string, string> };
    return JSON.parse(patch.data[NODE] ?? '');
  };

  test('says nothing before it has looked, then what it found, under this node’s name', async () => {
    verdict = forbidden;
    expect(watch.verdict()).toBeUndefined();
    await start();
    expect(watch.verdict()).toEqual(forbidden);
    expect(lastReport()).toEqual({ ...forbidden, bucket: 'bucket', checkedAt: '2026-01-01T00:00:00Z' });
  });

  test('looks at a bad bucket every 30 s, at a good one every 5 min', async () => {
    verdict = forbidden;
    await start();
    await clock.advance(60_000);
    expect(looks).toBe(3);
    verdict = { ok: true };
    await clock.advance(30_000);
    expect(lastReport()).toMatchObject({ ok: true });
    await clock.advance(300_000);
    expect(looks).toBe(5);
  });

  test('takes no answer for an answer after ten seconds', async () => {
    verdict = { ok: true };
    answered = new Promise(() => undefined);
    await start();
    await clock.advance(9_999);
    expect(watch.verdict()).toBeUndefined();
    await clock.advance(1);
    expect(lastReport()).toMatchObject({ ok: false, reason: 'Unreachable', message: expect.stringContaining('10 s') });
  });

  test('looks once for all who ask at the same time, and again when that is ten seconds ago', async () => {
    verdict = { ok: true };
    running = Promise.resolve();
    expect(await Promise.all([watch.probe(), watch.probe()])).toEqual([{ ok: true }, { ok: true }]);
    await watch.probe();
    expect(looks).toBe(1);
    verdict = forbidden;
    await clock.advance(10_000);
    expect(await watch.probe()).toEqual(forbidden);
  });

  test('reports again soon when the API server did not take the report', async () => {
    verdict = { ok: true };
    cluster.fail(new KubeError('Unreachable', 'connection refused'));
    await start();
    expect(watch.verdict()).toEqual({ ok: true });
    cluster.fail(undefined);
    await clock.advance(5000);
    expect(lastReport()).toMatchObject({ ok: true });
  });
});
