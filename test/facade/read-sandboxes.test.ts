import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
});

const createdAt = (sandbox: Sandbox, creationTimestamp: string): Sandbox => ({
  ...sandbox,
  metadata: { ...sandbox.metadata, creationTimestamp },
});

describe('GET /sandboxes', () => {
  beforeEach(() => {
    const { add } = facade.cluster;
    add(
      createdAt(aSandbox('old').ofUser('ann').wanted('Stopped').status(stopped(true)).build(), '2026-01-01T00:00:00Z'),
    );
    add(createdAt(aSandbox('new').ofUser('ann').status(ready('new')).build(), '2026-01-03T00:00:00Z'));
    add(createdAt(aSandbox('bob-b').ofUser('bob').build(), '2026-01-02T00:00:00Z'));
    add(createdAt(aSandbox('bob-a').ofUser('bob').build(), '2026-01-02T00:00:00Z'));
  });

  const names = async (query = ''): Promise<readonly string[]> => {
    const { status, body } = await facade.request(`/sandboxes${query}`);
    const { sandboxes, total } = body as { sandboxes: { sandbox_id: string }[]; total: number };
    expect(status).toBe(200);
    expect(total).toBe(sandboxes.length);
    return sandboxes.map(({ sandbox_id }) => sandbox_id);
  };

  it('lists all, the newest first, the stopped ones too', async () => {
    expect(await names()).toEqual(['new', 'bob-a', 'bob-b', 'old']);
  });

  it('lists those of one user', async () => {
    expect(await names('?user_id=ann')).toEqual(['new', 'old']);
    expect(await names('?user_id=nobody')).toEqual([]);
    expect(await names('?user_id=ann&user_id=bob')).toEqual(['bob-a', 'bob-b']);
  });

  it('does not ask the API server', async () => {
    await names();
    expect(facade.cluster.calls).toEqual([]);
  });

  it('answers 422 for what can be nobody', async () => {
    expect(await facade.request('/sandboxes?user_id=a%20b')).toMatchObject({
      status: 422,
      body: { detail: [{ type: 'string_pattern_mismatch', loc: ['query', 'user_id'], input: 'a b' }] },
    });
  });
});

describe('GET /sandboxes/{id}', () => {
  it('answers with one that kubectl made as well as with one of its own', async () => {
    facade.cluster.add(
      aSandbox('demo')
        .with({ config: { plan: 'free' } })
        .status(ready('demo'))
        .build(),
    );
    expect(await facade.request('/sandboxes/demo')).toMatchObject({
      status: 200,
      body: { sandbox_id: 'demo', user_id: 'ann', status: 'ready', config: { plan: 'free' }, container_id: 'demo' },
    });
  });

  it('finds at once what another replica has just made', async () => {
    facade.cluster.lag();
    facade.cluster.add(aSandbox('fresh').build());
    expect(await facade.request('/sandboxes/fresh')).toMatchObject({ status: 200, body: { status: 'creating' } });
    expect(facade.cluster.calls).toEqual(['get sandboxes/fresh']);
  });

  it('answers with the end that another replica has told, though its own watch only knows of the way there', async () => {
    facade.cluster.add(
      aSandbox()
        .wanted('Stopped')
        .status(notReady('Stopping', 'its pod ends', { podName: 'demo' }))
        .build(),
    );
    facade.cluster.lag();
    facade.cluster.setStatus('demo', stopped(true));
    expect(await facade.request('/sandboxes/demo')).toMatchObject({ status: 200, body: { status: 'stopped' } });
    expect(facade.cluster.calls).toEqual(['get sandboxes/demo']);
  });

  it('answers with what its watch knows where the API server does not', async () => {
    facade.cluster.add(aSandbox().build());
    facade.cluster.fail('get', new KubeError('Unreachable', 'no answer'));
    expect(await facade.request('/sandboxes/demo')).toMatchObject({ status: 200, body: { status: 'creating' } });
    expect(facade.cluster.calls).toEqual(['get sandboxes/demo']);
  });

  it('answers 404 for one that is gone, though its watch still sees it end', async () => {
    facade.cluster.add(aSandbox().wanted('Stopped').build());
    facade.cluster.lag();
    facade.cluster.remove('demo');
    expect(await facade.request('/sandboxes/demo')).toMatchObject({ status: 404 });
  });

  it('asks nobody while it is ready', async () => {
    facade.cluster.add(aSandbox().status(ready('demo')).build());
    expect(await facade.request('/sandboxes/demo')).toMatchObject({ status: 200, body: { status: 'ready' } });
    expect(facade.cluster.calls).toEqual([]);
  });

  it.each(['none', 'UPPER', 'a%2Fb', '%E0%A4%A', '..%2Fpods', 'x'.repeat(300), '%00'])(
    'answers 404 for %s',
    async (id) => {
      const { status, body, headers } = await facade.request(`/sandboxes/${id}`);
      expect(status).toBe(404);
      expect(headers.get('content-type')).toBe('application/problem+json');
      expect(body).toMatchObject({ title: 'Not found', status: 404 });
      // An id that can be no name never becomes part of a path.
      expect(facade.cluster.calls).toEqual(id === 'none' ? ['get sandboxes/none'] : []);
    },
  );

  it('names the sandbox that is not there', async () => {
    expect((await facade.request('/sandboxes/none')).body).toMatchObject({ detail: 'Sandbox none not found' });
  });

  it('answers 503 when neither the cache nor the API server knows', async () => {
    facade.cluster.fail('get', new KubeError('Timeout', 'no answer', { retryAfterMs: 2500 }));
    const { status, headers } = await facade.request('/sandboxes/none');
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('3');
  });

  it('tells why one is not running', async () => {
    facade.cluster.add(aSandbox().status(notReady('WorkspaceInUse', 'in use by sandbox sbx-1')).build());
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({
      status: 'creating',
      reason: 'WorkspaceInUse',
      message: 'in use by sandbox sbx-1',
    });
  });
});
