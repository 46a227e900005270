import { beforeEach, describe, expect, it } from '@jest/globals';
import type { SandboxStatus } from '../../src/api/sandbox.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { type Answer, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stalled, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
});

const ask = (what: 'suspend' | 'resume', headers: Record<string, string> = {}): Promise<Answer> =>
  facade.request(`/sandboxes/demo/${what}`, { method: 'POST', headers });

const suspended = (more: SandboxStatus = {}): SandboxStatus => {
  const { stopReason: _reason, ...status } = stopped(true, more);
  return {
    ...status,
    conditions: (status.conditions ?? []).map((condition) =>
      condition.type === 'Stopped' ? { ...condition, reason: 'Suspended' } : condition,
    ),
  };
};
/** Its lifetime was over, and nobody has asked for anything. */
const over = (onExpire: 'Stop' | 'Suspend') =>
  aSandbox()
    .with({ lifetime: { ttlSeconds: 60, onExpire, retainSeconds: 86_400 } })
    .status({ ...notReady('Expired', 'its lifetime was over'), stopReason: 'expired' })
    .build();

describe('POST /sandboxes/{id}/suspend', () => {
  beforeEach(() => {
    facade.cluster.add(aSandbox().status(ready('demo')).build());
  });

  it('answers 200 once it has ended and its home is saved', async () => {
    const answer = ask('suspend');
    await facade.clock.waitForSleepers(1);
    expect(facade.cluster.get('demo')?.spec.desiredState).toBe('Suspended');
    facade.cluster.setStatus('demo', notReady('SavingWorkspace', 'saving', { observedGeneration: 2 }));
    facade.cluster.setStatus('demo', suspended());
    const { status, body, headers } = await answer;
    expect({ status, body }).toMatchObject({ status: 200, body: { status: 'suspended', workspace: { saved: true } } });
    expect(headers.get('etag')).toMatch(/^"/);
  });

  it('answers 202 while the home is still being saved at the limit', async () => {
    const answer = ask('suspend');
    await facade.clock.waitForSleepers(1);
    facade.cluster.setStatus('demo', notReady('StorageUnreachable', 'no answer', { observedGeneration: 2 }));
    await facade.clock.advance(60_000);
    expect(await answer).toMatchObject({
      status: 202,
      body: { status: 'shutting_down', reason: 'StorageUnreachable' },
    });
  });

  it('waits no longer than the client prefers', async () => {
    const { status, headers } = await ask('suspend', { Prefer: 'respond-async' });
    expect(status).toBe(202);
    expect(headers.get('preference-applied')).toBe('respond-async');
    const second = ask('suspend', { Prefer: 'wait=5' });
    await facade.clock.waitForSleepers(1);
    await facade.clock.advance(5000);
    expect((await second).status).toBe(202);
  });

  it('asks nothing of one that is suspended, or is being suspended, already', async () => {
    facade.cluster.add(aSandbox().wanted('Suspended').status(suspended()).build());
    expect(await ask('suspend')).toMatchObject({ status: 200, body: { status: 'suspended' } });
    facade.cluster.add(over('Suspend'));
    expect(await ask('suspend')).toMatchObject({ status: 200, body: { status: 'suspended' } });
    expect(facade.cluster.calls).toEqual([]);
  });

  it.each([
    ['stopped', aSandbox().wanted('Stopped').status(stopped(true)).build()],
    ['shutting_down', aSandbox().wanted('Stopped').status(ready('demo')).build()],
    ['shutting_down', aSandbox().deleted().status(ready('demo')).build()],
    ['expired', over('Stop')],
  ])('answers 409 for one that is %s', async (state, sandbox) => {
    facade.cluster.add(sandbox);
    expect(await ask('suspend')).toMatchObject({
      status: 409,
      body: { detail: `Sandbox demo cannot be suspended: it is ${state}`, sandbox_id: 'demo' },
    });
  });

  it('answers 404 where it is deleted meanwhile, and where there is none', async () => {
    const answer = ask('suspend');
    await facade.clock.waitForSleepers(1);
    facade.cluster.remove('demo');
    expect((await answer).status).toBe(404);
    expect((await ask('suspend')).status).toBe(404);
  });

  it('does it only if nobody has changed it since, with If-Match', async () => {
    expect((await ask('suspend', { 'If-Match': '"old"' })).status).toBe(412);
    expect(facade.cluster.get('demo')?.spec.desiredState).toBe('Running');
  });
});

describe('POST /sandboxes/{id}/resume', () => {
  /** The controller takes the run up that was asked for. */
  const takeUp = (status: SandboxStatus): void => {
    const request = facade.cluster.get('demo')?.metadata.annotations?.['matrx.dev/new-run'];
    facade.cluster.setStatus('demo', {
      ...status,
      observedGeneration: 9,
      run: { startedAt: '2026-01-02T05:00:00Z', ...(request === undefined ? {} : { request }) },
    });
  };

  it.each([
    ['suspended', aSandbox().wanted('Suspended').status(suspended()).build()],
    [
      'stopped',
      aSandbox()
        .wanted('Stopped')
        .status(stopped(true, { startedAt: '2026-01-02T03:00:00Z' }))
        .build(),
    ],
    ['expired', over('Stop')],
    ['suspended at the end of its lifetime', over('Suspend')],
  ])('starts one that is %s again, and answers 200 once it takes commands', async (_what, sandbox) => {
    facade.cluster.add(sandbox);
    const answer = ask('resume');
    await facade.clock.waitForSleepers(1);
    expect(facade.cluster.get('demo')?.spec.desiredState).toBe('Running');
    takeUp(notReady('ContainersStarting', 'starts', { podName: 'demo' }));
    takeUp(ready('demo'));
    const { status, body, headers } = await answer;
    expect({ status, body }).toMatchObject({ status: 200, body: { sandbox_id: 'demo', status: 'ready' } });
    expect(headers.get('location')).toBe('/sandboxes/demo');
  });

  it('does not take what is said of the life before for this one', async () => {
    facade.cluster.add(aSandbox().wanted('Suspended').status(stalled('WorkspaceCorrupt')).build());
    const answer = ask('resume');
    await facade.clock.waitForSleepers(1);
    takeUp(ready('demo'));
    expect((await answer).status).toBe(200);
  });

  it('begins with nothing said of the life before', async () => {
    const annotations = {
      'matrx.dev/stop-reason': 'error',
      'matrx.dev/stop-grace-seconds': '0',
      'matrx.dev/start-failure': 'PodRefused: no',
      'matrx.dev/result': '{"result":{}}',
      'matrx.dev/error': '{"error":"x"}',
      'matrx.dev/metadata': '{"team":"a"}',
    };
    const sandbox = aSandbox().wanted('Stopped').status(stopped(true)).build();
    facade.cluster.add({ ...sandbox, metadata: { ...sandbox.metadata, annotations } });
    const { status, body } = await ask('resume', { Prefer: 'respond-async' });
    expect({ status, body }).toMatchObject({
      status: 202,
      body: { status: 'creating', result: null, error: null, metadata: { team: 'a' } },
    });
    expect(facade.cluster.get('demo')?.metadata.annotations).toEqual({
      'matrx.dev/metadata': '{"team":"a"}',
      'matrx.dev/new-run': expect.stringMatching(/^[0-9a-f]{16}$/),
    });
  });

  it('asks nothing of one that runs, and waits for one that starts', async () => {
    facade.cluster.add(aSandbox().status(ready('demo')).build());
    expect((await ask('resume')).status).toBe(200);
    facade.cluster.add(
      aSandbox()
        .status(notReady('ContainersStarting', 'starts', { podName: 'demo' }))
        .build(),
    );
    const answer = ask('resume');
    await facade.clock.waitForSleepers(1);
    facade.cluster.setStatus('demo', ready('demo'));
    expect((await answer).status).toBe(200);
    expect(facade.cluster.calls).toEqual([]);
  });

  it.each([
    ['StorageForbidden', 503],
    ['WorkspaceCorrupt', 500],
  ])('answers a start that fails for %s with %i, and leaves it suspended', async (reason, status) => {
    facade.cluster.add(
      aSandbox()
        .wanted('Suspended')
        .status(suspended({ startedAt: '2026-01-02T03:00:00Z' }))
        .build(),
    );
    const answer = ask('resume');
    await facade.clock.waitForSleepers(1);
    takeUp({ ...stalled(reason), startedAt: '2026-01-02T03:00:00Z' });
    expect(await answer).toMatchObject({ status, body: { reason, sandbox_id: 'demo' } });
    expect(facade.cluster.get('demo')?.spec.desiredState).toBe('Suspended');
  });

  it('answers with the failed start even where it cannot be suspended again', async () => {
    facade.cluster.add(aSandbox().wanted('Suspended').status(suspended()).build());
    const answer = ask('resume');
    await facade.clock.waitForSleepers(1);
    facade.cluster.fail('mergePatch', new KubeError('Unreachable', 'connect ECONNREFUSED'));
    takeUp(stalled('PodRefused'));
    expect((await answer).status).toBe(500);
    await facade.untilLogged(({ level }) => level === 40);
  });

  it('answers 504, or 202 to a client that said how long it waits, while it still starts', async () => {
    facade.cluster.add(aSandbox().wanted('Suspended').status(suspended()).build());
    const answer = ask('resume');
    await facade.clock.waitForSleepers(1);
    takeUp(notReady('RestoringWorkspace', 'restoring', { podName: 'demo' }));
    await facade.clock.advance(120_000);
    expect((await answer).status).toBe(504);
    const patient = ask('resume', { Prefer: 'wait=3' });
    await facade.clock.waitForSleepers(1);
    await facade.clock.advance(3000);
    expect((await patient).status).toBe(202);
    expect(facade.cluster.get('demo')?.spec.desiredState).toBe('Running');
  });

  it('answers 409 for one that is being deleted, and 404 where there is none', async () => {
    facade.cluster.add(aSandbox().deleted().wanted('Suspended').build());
    expect((await ask('resume')).status).toBe(409);
    facade.cluster.remove('demo');
    expect((await ask('resume')).status).toBe(404);
  });
});
