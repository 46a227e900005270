import { beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { type Answer, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
  facade.cluster.add(aSandbox().status(ready('demo')).build());
});

const del = (query = '', headers: Record<string, string> = {}): Promise<Answer> =>
  facade.request(`/sandboxes/demo${query}`, { method: 'DELETE', headers });

describe('DELETE /sandboxes/{id}', () => {
  it('answers 204 once the sandbox has ended and its home is saved, and keeps the record', async () => {
    const answer = del();
    await facade.clock.waitForSleepers(1);
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({ status: 'shutting_down' });
    facade.cluster.setStatus('demo', notReady('SavingWorkspace', 'saving', { observedGeneration: 2 }));
    await facade.clock.advance(10_000);
    facade.cluster.setStatus('demo', stopped(true));
    expect(await answer).toMatchObject({ status: 204, body: undefined });
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({
      status: 'stopped',
      stop_reason: 'user_requested',
      container_id: null,
      workspace: { saved: true },
    });
    expect(facade.cluster.lastPatch()).toEqual({
      metadata: {
        uid: 'uid-of-demo',
        resourceVersion: expect.any(String),
        annotations: { 'matrx.dev/stop-reason': 'user_requested' },
      },
      spec: { desiredState: 'Stopped' },
    });
  });

  it('does not take a stop of an earlier life for this one', async () => {
    facade.cluster.setStatus('demo', { ...stopped(true), observedGeneration: 1 });
    const answer = del();
    await facade.clock.waitForSleepers(1);
    facade.cluster.setStatus('demo', stopped(true));
    expect((await answer).status).toBe(204);
  });

  it('answers 204 for one that is stopped already, once the API server has said so', async () => {
    facade.cluster.add(aSandbox('old').wanted('Stopped').status(stopped(true)).build());
    expect((await facade.request('/sandboxes/old', { method: 'DELETE' })).status).toBe(204);
    expect(facade.cluster.calls).toEqual(['get sandboxes/old']);
  });

  it('stops one that another replica has started again: it was left running, and answered with 204', async () => {
    facade.cluster.add(aSandbox('old').wanted('Stopped').status(stopped(true)).build());
    facade.cluster.lag();
    facade.cluster.change('old', ({ spec, ...sandbox }) => ({
      ...sandbox,
      spec: { ...spec, desiredState: 'Running' },
    }));
    const headers = { Prefer: 'respond-async' };
    expect((await facade.request('/sandboxes/old', { method: 'DELETE', headers })).status).toBe(202);
    expect(facade.cluster.get('old')?.spec.desiredState).toBe('Stopped');
  });

  it('answers 202 with the reason while the home is still being saved at the limit', async () => {
    const answer = del();
    await facade.clock.waitForSleepers(1);
    facade.cluster.setStatus('demo', notReady('StorageUnreachable', 'S3 does not answer', { observedGeneration: 2 }));
    await facade.clock.advance(60_000);
    expect(await answer).toMatchObject({
      status: 202,
      body: { status: 'shutting_down', reason: 'StorageUnreachable', message: 'S3 does not answer' },
    });
  });

  it.each([
    ['respond-async', 0],
    ['wait=3', 3000],
  ])('waits no longer than the client prefers: %s', async (prefer, ms) => {
    const answer = del('', { Prefer: prefer });
    if (ms > 0) {
      await facade.clock.waitForSleepers(1);
      await facade.clock.advance(ms);
    }
    const { status, headers } = await answer;
    expect(status).toBe(202);
    expect(headers.get('preference-applied')).toBe(prefer);
  });

  it('answers 200 and says so when it has ended and the home could not be published', async () => {
    const answer = del();
    await facade.clock.waitForSleepers(1);
    facade.cluster.setStatus('demo', stopped(false));
    expect(await answer).toMatchObject({ status: 200, body: { status: 'stopped', workspace: { saved: false } } });
  });

  it('asks for no grace when it is not graceful', async () => {
    await del('?graceful=false', { Prefer: 'respond-async' });
    expect(facade.cluster.lastPatch()).toMatchObject({
      metadata: { annotations: { 'matrx.dev/stop-grace-seconds': '0', 'matrx.dev/stop-reason': 'user_requested' } },
    });
  });

  it('leaves the reason of an earlier stop as it is', async () => {
    facade.cluster.add(aSandbox('old').wanted('Stopped').status(notReady('SavingWorkspace')).build());
    await facade.request('/sandboxes/old', { method: 'DELETE', headers: { Prefer: 'respond-async' } });
    expect(facade.cluster.lastPatch()).toMatchObject({ metadata: { annotations: {} } });
  });

  it('leaves the reason of a stop that this replica has not heard of yet as it is', async () => {
    facade.cluster.lag();
    facade.cluster.add(aSandbox().wanted('Stopped').status(notReady('SavingWorkspace')).build());
    await del('', { Prefer: 'respond-async' });
    expect(facade.cluster.lastPatch()).toMatchObject({ metadata: { annotations: {} } });
  });

  it('answers 204 when the resource itself is deleted meanwhile: that happens only after saving', async () => {
    const answer = del();
    await facade.clock.waitForSleepers(1);
    facade.cluster.remove('demo');
    expect((await answer).status).toBe(204);
  });

  it('waits for one that kubectl is deleting without touching it', async () => {
    facade.cluster.add(aSandbox('leaving').deleted().status(ready('leaving')).build());
    const answer = facade.request('/sandboxes/leaving', { method: 'DELETE' });
    await facade.clock.waitForSleepers(1);
    facade.cluster.remove('leaving');
    expect((await answer).status).toBe(204);
    expect(facade.cluster.calls).toEqual([]);
  });

  it('answers 404 for a sandbox that does not exist', async () => {
    expect(await facade.request('/sandboxes/none', { method: 'DELETE' })).toMatchObject({
      status: 404,
      body: { detail: 'Sandbox none not found' },
    });
  });

  it('answers 422 for a graceful that is neither true nor false', async () => {
    expect(await del('?graceful=perhaps')).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['query', 'graceful'], input: 'perhaps' }] },
    });
  });

  it('answers 503 when the API server does not take the stop', async () => {
    facade.cluster.fail('mergePatch', new KubeError('Unreachable', 'connect ECONNREFUSED 10.0.0.1'));
    const { status, body } = await del();
    expect(status).toBe(503);
    expect(JSON.stringify(body)).not.toContain('10.0.0.1');
  });
});
