import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { systemClock as clock } from '../../src/base/clock.ts';
import { systemRandom as random } from '../../src/base/random.ts';
import { makeSandboxCache } from '../../src/facade/sandbox-cache.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { SANDBOXES } from '../../src/kube/resource-types.ts';
import { makeInformer } from '../../src/runtime/informer.ts';
import { startFacade, type TestFacade } from '../facade/support/facade.ts';
import type { ApiServerProxy } from '../support/api-server-proxy/start-proxy.ts';
import { createOf, once, watchOf } from '../support/played/matching.ts';
import { makePlayedCluster, type PlayedCluster } from '../support/played/played-cluster.ts';
import { onStage, type Stage } from '../support/played/stage.ts';
import { makeRecordingLog } from '../support/recording-log.ts';

let cluster: PlayedCluster;
beforeAll(async () => {
  cluster = await makePlayedCluster();
});
afterAll(() => cluster.close());

interface Replica {
  readonly facade: TestFacade;
  readonly proxy: ApiServerProxy;
}

interface Scene extends Stage {
  readonly replicas: readonly [Replica, Replica];
}

/** Two replicas of the facade over the real API server, each behind a proxy of its own, beside a controller. */
const withReplicas = (act: (scene: Scene) => Promise<void>): Promise<void> =>
  onStage(cluster, {}, async (stage) => {
    await stage.controller().started;
    const { namespace } = stage.life;
    const endings: (() => Promise<void>)[] = [];
    const start = async (): Promise<Replica> => {
      const proxy = await cluster.openProxy();
      const kube = makeKubeClient({ access: directAccess(proxy.url) });
      const log = makeRecordingLog();
      const informer = makeInformer<Sandbox>({
        client: kube,
        type: SANDBOXES,
        selection: { namespace },
        clock,
        random,
        log,
      });
      const stopping = new AbortController();
      const running = informer.run(stopping.signal);
      await informer.synced;
      const cache = makeSandboxCache(informer, namespace);
      const facade = await startFacade({ namespace }, undefined, { kube, cache, clock });
      endings.push(async () => {
        await facade.stop();
        stopping.abort();
        await running;
        await kube.close();
        await proxy.close();
      });
      return { facade, proxy };
    };
    try {
      await act({ ...stage, replicas: [await start(), await start()] });
    } finally {
      for (const end of endings) await end();
    }
  });

const BODY = { user_id: 'ann' };
const keyed = (key: string) => ({ body: BODY, headers: { 'Idempotency-Key': key } });
const idOf = ({ body }: { readonly body: unknown }): string => (body as { readonly sandbox_id: string }).sandbox_id;

test('a client that goes away and asks again, of another replica, with the same key gets the same sandbox, once [F21]', () =>
  withReplicas(async ({ life, proxy, replicas: [one, other] }) => {
    const client = new AbortController();
    const first = one.facade.request('/sandboxes', { ...keyed('job-1'), signal: client.signal });
    first.catch(() => undefined);
    await life.until('it is being made', () => life.node.sandboxes.size() === 1);
    client.abort();
    await expect(first).rejects.toThrow(/abort/i);
    const again = await other.facade.request('/sandboxes', keyed('job-1'));
    expect(again.status).toBe(201);
    expect(life.node.sandboxes.list().map(({ metadata }) => metadata.name)).toEqual([idOf(again)]);
    expect(proxy.written.filter(createOf('pods'))).toHaveLength(1);
  }));

test('two replicas that are asked at once with one key make one sandbox, and both answer with it, though one hears nothing of its own [F21]', () =>
  withReplicas(async ({ life, replicas: [one, other] }) => {
    one.proxy.plan(once(createOf('sandboxes'), { kind: 'cut', applied: true }));
    const answers = await Promise.all([one, other].map(({ facade }) => facade.request('/sandboxes', keyed('job-2'))));
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(life.node.sandboxes.size()).toBe(1);
  }));

test('a replica whose watch brings nothing answers with what the other has made, and stops it [F21]', () =>
  withReplicas(async ({ life, replicas: [one, other] }) => {
    const before = one.proxy.seen.length;
    one.proxy.plan((request) =>
      watchOf('sandboxes')(request) ? { kind: 'lines', onLine: () => undefined } : undefined,
    );
    for (const stream of one.proxy.watches()) stream.end();
    await life.until('it watches in vain', () => one.proxy.seen.slice(before).some(watchOf('sandboxes')));
    const made = await other.facade.request('/sandboxes', keyed('job-3'));
    expect(made.status).toBe(201);
    const replayed = await one.facade.request('/sandboxes', { ...keyed('job-3'), signal: AbortSignal.timeout(60_000) });
    expect(idOf(replayed)).toBe(idOf(made));
    expect(life.node.sandboxes.size()).toBe(1);
    expect(await one.facade.request(`/sandboxes/${idOf(made)}`)).toMatchObject({ status: 200 });
    const stopped = one.facade.request(`/sandboxes/${idOf(made)}`, { method: 'DELETE' });
    await life.until('it is Stopped', () => life.reason(idOf(made)) === 'Stopped');
    // The answer waits for the end, which this replica hears of once its watch works again.
    one.proxy.heal();
    for (const stream of one.proxy.watches()) stream.end();
    expect((await stopped).status).toBe(204);
  }));
