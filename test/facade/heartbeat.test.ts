import { beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { asCaller, sandboxCaller } from './support/callers.ts';
import { type Answer, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
  facade.cluster.add(aSandbox().status(ready('demo')).build());
});

const beat = (id = 'demo'): Promise<Answer> => facade.request(`/sandboxes/${id}/heartbeat`, { method: 'POST' });
const patches = (): number => facade.cluster.calls.filter((call) => call.startsWith('patch')).length;
const writtenDown = (id = 'demo'): string | undefined =>
  facade.cluster.get(id)?.metadata.annotations?.['matrx.dev/last-heartbeat'];

describe('POST /sandboxes/{id}/heartbeat', () => {
  it('is acknowledged, and written down for the controller [A1.12]', async () => {
    expect(await beat()).toMatchObject({ status: 200, body: { acknowledged: true, sandbox_id: 'demo' } });
    expect(writtenDown()).toBe('2026-01-01T00:00:00Z');
    expect(facade.cluster.lastPatch()).toEqual({
      metadata: { uid: 'uid-of-demo', annotations: { 'matrx.dev/last-heartbeat': '2026-01-01T00:00:00Z' } },
    });
  });

  it('answers 404 for a sandbox that does not exist [A1.12]', async () => {
    expect(await beat('none')).toMatchObject({ status: 404, body: { detail: 'Sandbox none not found' } });
  });

  it('is written down once in 30 seconds, however often it comes', async () => {
    await Promise.all([beat(), beat(), beat()]);
    await beat();
    expect(patches()).toBe(1);
    await facade.clock.advance(29_000);
    await beat();
    expect(patches()).toBe(1);
    await facade.clock.advance(1000);
    await beat();
    expect(patches()).toBe(2);
    expect(writtenDown()).toBe('2026-01-01T00:00:30Z');
  });

  it('is written down again over one that is ahead of the clock', async () => {
    facade.cluster.change('demo', (sandbox) => ({
      ...sandbox,
      metadata: { ...sandbox.metadata, annotations: { 'matrx.dev/last-heartbeat': '2026-06-01T00:00:00Z' } },
    }));
    await beat();
    expect(writtenDown()).toBe('2026-01-01T00:00:00Z');
  });

  it.each([
    ['stopped', aSandbox('other').wanted('Stopped').status(stopped(true)).build()],
    [
      'starting',
      aSandbox('other')
        .status(notReady('ContainersStarting', 'starts', { podName: 'p' }))
        .build(),
    ],
    ['being stopped', aSandbox('other').wanted('Stopped').status(ready('p')).build()],
  ])('changes nothing about a sandbox that is %s: it does not come back to life [T4]', async (_what, sandbox) => {
    facade.cluster.add(sandbox);
    const before = (await facade.request('/sandboxes/other')).body;
    expect(await beat('other')).toMatchObject({ status: 200, body: { acknowledged: true } });
    expect(patches()).toBe(0);
    expect((await facade.request('/sandboxes/other')).body).toEqual(before);
  });

  it('makes a sandbox running once the controller has seen it [T4] [A2.1]', async () => {
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({ status: 'ready', last_heartbeat_at: null });
    await beat();
    facade.cluster.setStatus('demo', ready('demo', { lastHeartbeatTime: '2026-01-01T00:00:00Z' }));
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({
      status: 'running',
      last_heartbeat_at: '2026-01-01T00:00:00Z',
    });
  });

  it('is taken from the sandbox itself, by the token of its pod, and from no other [T6]', async () => {
    const own = await startFacade({}, undefined, { authenticator: asCaller(sandboxCaller('demo')) });
    own.cluster.add(
      aSandbox()
        .status(ready('demo', { podUid: 'pod-of-demo' }))
        .build(),
    );
    own.cluster.add(
      aSandbox('other')
        .status(ready('other', { podUid: 'pod-of-other' }))
        .build(),
    );
    const ask = (id: string) => own.request(`/sandboxes/${id}/heartbeat`, { method: 'POST' });
    expect((await ask('demo')).status).toBe(200);
    expect((await ask('other')).status).toBe(404);
  });

  it('that cannot be written down is 503, and the next one is tried', async () => {
    facade.cluster.fail('mergePatch', new KubeError('Timeout', 'no answer'));
    expect((await beat()).status).toBe(503);
    expect((await beat()).status).toBe(200);
    expect(writtenDown()).toBe('2026-01-01T00:00:00Z');
  });
});
