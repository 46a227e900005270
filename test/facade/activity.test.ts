import { beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { aSandbox } from '../support/resources.ts';
import { startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready } from './support/statuses.ts';

const LIFETIME: Sandbox['spec']['lifetime'] = { ttlSeconds: 7_200, onExpire: 'Stop', retainSeconds: 60 };
let facade: TestFacade;
let sandbox: Sandbox;

const add = (lifetime: Partial<Sandbox['spec']['lifetime']>): void => {
  facade.cluster.add(
    aSandbox()
      .with({ lifetime: { ...LIFETIME, ...lifetime } })
      .status(ready('demo'))
      .build(),
  );
  sandbox = facade.cluster.get('demo') as Sandbox;
};
beforeEach(async () => {
  facade = await startFacade();
  add({ idleSeconds: 600 });
});

/** A use that is over as soon as it is recorded. */
const OVER = AbortSignal.abort();
const patches = (): number => facade.cluster.calls.filter((call) => call.startsWith('patch')).length;
const annotation = (name: string): string | undefined => facade.cluster.get('demo')?.metadata.annotations?.[name];
const usedAt = (): string | undefined => annotation('matrx.dev/last-activity');
const use = (over: AbortSignal = OVER): Promise<Sandbox> => facade.dependencies.activity.use(sandbox, over);
/** What others do as soon as this replica has written. */
const onRecord = (then: () => void): void => {
  let seen = 0;
  facade.dependencies.cache.subscribe('demo', () => {
    if (patches() === seen) return;
    seen = patches();
    then();
  });
};
const seconds = (count: number): Promise<void> => facade.clock.advance(count * 1000);

describe('use of a sandbox with idleSeconds', () => {
  it('is written down before anything is done, once in a quarter of them, and the last one in the end', async () => {
    await use();
    expect(usedAt()).toBe('2026-01-01T00:00:00Z');
    expect(facade.cluster.lastPatch()).toEqual({
      metadata: { uid: 'uid-of-demo', annotations: { 'matrx.dev/last-activity': '2026-01-01T00:00:00Z' } },
    });
    for (let second = 1; second < 100; second++) {
      await seconds(1);
      await use();
    }
    expect(patches()).toBe(1);
    await seconds(60);
    expect(patches()).toBe(2);
    expect(usedAt()).toBe('2026-01-01T00:01:39Z');
    await seconds(3_600);
    expect(patches()).toBe(2);
    expect(facade.clock.sleepers()).toBe(0);
  });

  it('that lasts is written down for as long as it lasts, and when it ends', async () => {
    const over = new AbortController();
    await use(over.signal);
    await seconds(3_600);
    expect(patches()).toBe(1 + 3_600 / 150);
    await seconds(75);
    over.abort();
    await seconds(75);
    expect(usedAt()).toBe('2026-01-01T01:01:15Z');
    await seconds(3_600);
    expect(usedAt()).toBe('2026-01-01T01:01:15Z');
  });

  it('is not written down again by a replica that sees that another has done so', async () => {
    const over = new AbortController();
    await use(over.signal);
    for (let round = 0; round < 10; round++) {
      await seconds(100);
      facade.cluster.change('demo', ({ metadata, ...rest }) => ({
        ...rest,
        metadata: {
          ...metadata,
          annotations: { 'matrx.dev/last-activity': new Date(facade.clock.now()).toISOString() },
        },
      }));
    }
    expect(patches()).toBe(1);
    over.abort();
  });

  it('does not wage a war of clocks with another replica', async () => {
    const over = new AbortController();
    onRecord(() => {
      facade.cluster.change('demo', ({ metadata, ...rest }) => ({
        ...rest,
        metadata: { ...metadata, annotations: { 'matrx.dev/last-activity': '2026-01-01T12:00:00Z' } },
      }));
    });
    await use(over.signal);
    await seconds(60);
    expect(patches()).toBeLessThanOrEqual(1 + 60 / 5);
    over.abort();
  });

  it('finds out where the controller was first: a command is refused, and nothing is begun', async () => {
    onRecord(() => {
      facade.cluster.setStatus(
        'demo',
        notReady('Stopping', 'nobody used it', { podName: 'demo', stopReason: 'expired' }),
      );
    });
    const answer = await facade.request('/sandboxes/demo/exec', { body: { command: 'true' } });
    expect(answer).toMatchObject({ status: 409 });
  });

  it('goes on without the record where it cannot be written, and is written down later', async () => {
    facade.cluster.fail('mergePatch', new KubeError('Timeout', 'no answer'));
    const over = new AbortController();
    expect(await use(over.signal)).toMatchObject({ metadata: { name: 'demo' } });
    expect(usedAt()).toBeUndefined();
    expect(facade.logged().map(({ msg }) => msg)).toContain('that a sandbox is used could not be written down');
    await seconds(5);
    expect(usedAt()).toBe('2026-01-01T00:00:05Z');
    over.abort();
  });

  it('that is owed when the facade stops is written down then', async () => {
    await use();
    await seconds(20);
    await use();
    await facade.dependencies.activity.stop();
    expect(usedAt()).toBe('2026-01-01T00:00:20Z');
    await use();
    expect(patches()).toBe(2);
  });

  it('is no use of another sandbox of the same name, nor of one that has ended', async () => {
    const over = new AbortController();
    await use(over.signal);
    facade.cluster.setStatus('demo', notReady('Stopping', 'ends', { podName: 'demo', stopReason: 'expired' }));
    await seconds(3_600);
    expect(patches()).toBe(1);
    over.abort();
    expect(facade.clock.sleepers()).toBe(0);
  });
});

describe('what counts as use', () => {
  it.each([
    ['a command', '/sandboxes/demo/exec', { command: 'true' }],
    ['a file that is written', '/sandboxes/demo/files/a', undefined],
    ['a request to a port', '/sandboxes/demo/ports/8080/', undefined],
    ['a look at its processes', '/sandboxes/demo/processes', undefined],
  ])('%s', async (_what, path, body) => {
    await facade.request(path, body === undefined ? {} : { body });
    expect(usedAt()).toBeDefined();
  });

  it.each(['/sandboxes/demo', '/sandboxes', '/sandboxes/demo/metrics'])('not a look at it: %s', async (path) => {
    await facade.request(path);
    expect(usedAt()).toBeUndefined();
  });
});

describe('a sandbox without idleSeconds', () => {
  it('costs no write and no timer, and is followed once it has them, if it is in use', async () => {
    facade = await startFacade();
    add({});
    const over = new AbortController();
    await use(over.signal);
    expect(patches()).toBe(0);
    expect(facade.clock.sleepers()).toBe(0);
    facade.cluster.change('demo', ({ spec, ...rest }) => ({
      ...rest,
      spec: { ...spec, lifetime: { ...spec.lifetime, idleSeconds: 60 } },
    }));
    await seconds(0);
    expect(usedAt()).toBeDefined();
    over.abort();
  });
});

describe('heartbeats of a sandbox with heartbeatSeconds', () => {
  const beat = () => facade.request('/sandboxes/demo/heartbeat', { method: 'POST' });
  const beatAt = () => annotation('matrx.dev/last-heartbeat');

  it('are written down once in a quarter of them, and the last one in the end', async () => {
    facade = await startFacade();
    add({ heartbeatSeconds: 40 });
    await beat();
    await seconds(9);
    await beat();
    expect(patches()).toBe(1);
    await seconds(1);
    expect(patches()).toBe(2);
    expect(beatAt()).toBe('2026-01-01T00:00:09Z');
    await seconds(3_600);
    expect(patches()).toBe(2);
  });
});

describe('POST and PATCH /sandboxes', () => {
  it('take idle_seconds and heartbeat_seconds, and null takes them away', async () => {
    const patched = await facade.request('/sandboxes/demo', {
      method: 'PATCH',
      body: { idle_seconds: null, heartbeat_seconds: 30 },
    });
    expect(patched).toMatchObject({ status: 200, body: { idle_seconds: null, heartbeat_seconds: 30 } });
    const refused = await facade.request('/sandboxes', { body: { user_id: 'ann', idle_seconds: 59 } });
    expect(refused).toMatchObject({ status: 422 });
  });
});
