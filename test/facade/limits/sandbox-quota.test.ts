import { describe, expect, it } from '@jest/globals';
import { LABEL_API_KEY } from '../../../src/api/names.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import { SCOPES } from '../../../src/facade/caller.ts';
import { KubeError } from '../../../src/kube/errors.ts';
import { aSandbox } from '../../support/resources.ts';
import { startFacade, type TestFacade } from '../support/facade.ts';
import { notReady, ready, stalled, stopped } from '../support/statuses.ts';

/** The key `<id>` of a header may have two sandboxes. */
const start = () =>
  startFacade({}, undefined, {
    authenticator: ({ secret }) =>
      Promise.resolve({
        kind: 'key',
        id: secret,
        users: undefined,
        scopes: new Set(SCOPES),
        limits: { concurrentSandboxes: 2 },
      }),
  });

const create = (facade: TestFacade, key = 'k1') =>
  facade.request('/sandboxes', {
    body: { user_id: 'ann' },
    headers: { 'X-API-Key': key, Prefer: 'respond-async' },
  });

const labelled = (sandbox: Sandbox, key: string): Sandbox => ({
  ...sandbox,
  metadata: { ...sandbox.metadata, labels: { [LABEL_API_KEY]: key } },
});

describe('the sandboxes of a key', () => {
  it('are as many as it may have, and no more', async () => {
    const facade = await start();
    expect((await create(facade)).status).toBe(202);
    expect((await create(facade)).status).toBe(202);
    const { status, body } = await create(facade);
    expect(status).toBe(429);
    expect(body).toEqual({
      type: 'tag:matrx.dev,2026:too-many-sandboxes',
      title: 'The API key has as many sandboxes as it may have',
      status: 429,
      detail: 'This API key has 2 active sandboxes and may have 2: stop one, and create another then',
    });
    expect((await create(facade, 'k2')).status).toBe(202);
  });

  it('are no more where many are asked for at once', async () => {
    const facade = await start();
    const statuses = (await Promise.all(Array.from({ length: 8 }, () => create(facade)))).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([202, 202, 429, 429, 429, 429, 429, 429]);
  });

  it.each([
    ['starting', aSandbox('x').status(notReady('CreatingPod')), 429],
    ['ready', aSandbox('x').status(ready('x')), 429],
    ['stopped', aSandbox('x').wanted('Stopped').status(stopped(true)), 202],
    ['to be stopped', aSandbox('x').wanted('Stopped').status(ready('x')), 202],
    ['suspended', aSandbox('x').wanted('Suspended').status(notReady('Suspended')), 202],
    ['failed', aSandbox('x').status(stalled('ImageInvalid')), 202],
    ['being deleted', aSandbox('x').deleted().status(ready('x')), 202],
  ])('count or not where they are %s', async (_what, sandbox, status) => {
    const facade = await start();
    facade.cluster.add(labelled(sandbox.build(), 'k1'));
    expect((await create(facade)).status).toBe(202);
    expect((await create(facade)).status).toBe(status);
  });

  it('of another key, or of nobody, do not count', async () => {
    const facade = await start();
    facade.cluster.add(labelled(aSandbox('x').status(ready('x')).build(), 'k2'));
    facade.cluster.add(aSandbox('y').status(ready('y')).build());
    expect((await create(facade)).status).toBe(202);
    expect((await create(facade)).status).toBe(202);
  });

  it('that could not be created do not count', async () => {
    const facade = await start();
    facade.cluster.fail('create', new KubeError('TooManyRequests', 'later', { code: 429 }), { times: 3 });
    for (let n = 0; n < 3; n++) expect((await create(facade)).status).toBe(503);
    expect((await create(facade)).status).toBe(202);
    expect((await create(facade)).status).toBe(202);
  });

  it('are no more for a request that is repeated, also where there is no room for another', async () => {
    const facade = await start();
    const repeated = () =>
      facade.request('/sandboxes', {
        body: { user_id: 'ann' },
        headers: { 'X-API-Key': 'k1', Prefer: 'respond-async', 'Idempotency-Key': 'the same' },
      });
    const first = await repeated();
    expect((await create(facade)).status).toBe(202);
    expect((await create(facade)).status).toBe(429);
    const second = await repeated();
    expect([second.status, second.body]).toEqual([202, first.body]);
  });

  it('are no more for being suspended, and resumed when others have taken their place', async () => {
    const facade = await start();
    facade.cluster.add(labelled(aSandbox('rests').wanted('Suspended').status(notReady('Suspended')).build(), 'k1'));
    facade.cluster.add(labelled(aSandbox('runs').status(ready('runs')).build(), 'k1'));
    const resume = (name: string) =>
      facade.request(`/sandboxes/${name}/resume`, {
        method: 'POST',
        headers: { 'X-API-Key': 'k1', Prefer: 'respond-async' },
      });
    const { body } = await create(facade);
    expect((await resume('rests')).status).toBe(429);
    // It runs, and has its place.
    expect((await resume('runs')).status).not.toBe(429);
    const { sandbox_id: id } = body as { readonly sandbox_id: string };
    facade.cluster.change(id, (sandbox) => ({ ...sandbox, spec: { ...sandbox.spec, desiredState: 'Stopped' } }));
    expect((await resume('rests')).status).toBe(202);
  });
});
