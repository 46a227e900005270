import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Workspace, WorkspaceStatus } from '../../src/api/workspace.ts';
import type { KubeObject } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { WORKSPACES } from '../../src/kube/resource-types.ts';
import { aSandbox, aWorkspace } from '../support/resources.ts';
import { byName, keyCaller } from './support/callers.ts';
import { type Answer, startFacade, type TestFacade } from './support/facade.ts';
import { ready } from './support/statuses.ts';

let facade: TestFacade;

const commit = (sequence: number) => ({
  sequence,
  manifest: `.ws/manifests/0000000003-000000000${sequence}-0123abcd.json.gz`,
  committedAt: `2026-01-01T00:00:0${sequence}Z`,
  files: 10 + sequence,
  bytes: 100 * sequence,
});
const shown = (sequence: number) => {
  const { committedAt, ...rest } = commit(sequence);
  return { ...rest, committed_at: committedAt };
};
const STATUS: WorkspaceStatus = {
  epoch: 3,
  head: { epoch: 3, ...commit(2) },
  coldUsage: { objects: 4, bytes: 1000, complete: true, countedAt: '2026-01-01T00:00:02Z' },
  history: [commit(2), commit(1)],
  conditions: [
    {
      type: 'Saved',
      status: 'True',
      reason: 'Saved',
      message: 'commit 2',
      lastTransitionTime: '2026-01-01T00:00:02Z',
    },
  ],
};
const WRITER = { sandbox: 'demo', uid: 'uid-of-demo', epoch: 3, acquiredAt: '2026-01-01T00:00:00Z' };

beforeEach(async () => {
  facade = await startFacade();
  facade.cluster.addOther(WORKSPACES, aWorkspace('ann', STATUS));
});

const specOf = (name = 'ann'): Workspace['spec'] | undefined =>
  (facade.cluster.getOther(WORKSPACES, name) as Workspace | undefined)?.spec;

describe('GET /users/{user}/workspace', () => {
  it('shows what is saved, by whom it is written, and its history', async () => {
    facade.cluster.addOther(WORKSPACES, aWorkspace('ann', { ...STATUS, writer: WRITER }));
    expect(await facade.request('/users/ann/workspace')).toMatchObject({
      status: 200,
      body: {
        user_id: 'ann',
        name: null,
        saved: true,
        message: 'commit 2',
        head: shown(2),
        cold: { objects: 4, bytes: 1000, complete: true, counted_at: '2026-01-01T00:00:02Z' },
        history: [shown(2), shown(1)],
        writer: { sandbox_id: 'demo', since: '2026-01-01T00:00:00Z' },
        restore: null,
      },
    });
  });

  it('shows one that nothing was written to yet', async () => {
    facade.cluster.addOther(WORKSPACES, aWorkspace('bob', {}));
    expect((await facade.request('/users/bob/workspace')).body).toEqual({
      user_id: 'bob',
      name: null,
      saved: null,
      message: null,
      head: null,
      cold: null,
      history: [],
      writer: null,
      conflicts: [],
      restore: null,
    });
  });

  it('shows what did not get into a commit, until somebody has looked at it', async () => {
    const manifest = '.ws/conflicts/0000000002-0123456789abcdef.json.gz';
    const since = '2026-01-01T00:00:00Z';
    const conflicts = [
      { epoch: 1, node: 'node-1', since },
      { epoch: 2, node: 'node-1', since, manifest },
      { epoch: 3, node: 'node-2', since },
    ];
    const workspace = aWorkspace('bob', { conflicts });
    const spec = { ...workspace.spec, conflictsSeen: 1 };
    const looked: Workspace = { ...workspace, spec };
    facade.cluster.addOther(WORKSPACES, looked);
    expect((await facade.request('/users/bob/workspace')).body).toMatchObject({
      conflicts: [
        { epoch: 2, node: 'node-1', since, manifest },
        { epoch: 3, node: 'node-2', since, manifest: null },
      ],
    });
  });

  it('finds a named one, and one of a user whose id is no name', async () => {
    facade.cluster.addOther(WORKSPACES, aWorkspace('Ann.B', STATUS, 'notes'));
    expect(await facade.request('/users/Ann.B/workspace?name=notes')).toMatchObject({
      status: 200,
      body: { user_id: 'Ann.B', name: 'notes' },
    });
    expect(await facade.request('/users/Ann.B/workspace')).toMatchObject({
      status: 404,
      body: { detail: 'User Ann.B has no workspace: the first sandbox makes it' },
    });
  });

  it.each([
    ['/users/a%20b/workspace', ['path', 'user']],
    ['/users/ann/workspace?name=A', ['query', 'name']],
  ])('answers 422 to %s', async (path, loc) => {
    expect(await facade.request(path)).toMatchObject({ status: 422, body: { detail: [{ loc }] } });
  });

  it('lists its commits, the newest first', async () => {
    expect((await facade.request('/users/ann/workspace/commits')).body).toEqual({ commits: [shown(2), shown(1)] });
    expect((await facade.request('/users/bob/workspace/commits')).status).toBe(404);
  });
});

describe('GET /sandboxes/{id}/workspace', () => {
  it('shows the workspace that a sandbox has', async () => {
    facade.cluster.add(aSandbox().status(ready('demo')).build());
    expect((await facade.request('/sandboxes/demo/workspace')).body).toMatchObject({ user_id: 'ann', saved: true });
    facade.cluster.addOther(WORKSPACES, aWorkspace('ann', {}, 'notes'));
    facade.cluster.add(aSandbox('other').inWorkspace({ name: 'notes', ephemeral: false }).build());
    expect((await facade.request('/sandboxes/other/workspace')).body).toMatchObject({ name: 'notes', saved: null });
  });

  it('answers 404 for an ephemeral one, and for one that is not there', async () => {
    facade.cluster.add(aSandbox().ephemeral().status(ready('demo')).build());
    expect((await facade.request('/sandboxes/demo/workspace')).status).toBe(404);
    expect((await facade.request('/sandboxes/none/workspace')).status).toBe(404);
  });
});

describe('POST /users/{user}/workspace/restore', () => {
  const restore = (body: unknown, key?: string): Promise<Answer> =>
    facade.request('/users/ann/workspace/restore', {
      body,
      ...(key === undefined ? {} : { headers: { 'Idempotency-Key': key } }),
    });

  it('lets the next sandbox begin with an older commit, by its number', async () => {
    expect(await restore({ commit: 1 })).toMatchObject({
      status: 202,
      body: { restore: { sequence: 1, manifest: null, state: 'pending', done_at: null } },
    });
    expect(specOf()?.restore).toEqual({ requestId: expect.stringMatching(/^[0-9a-f]{32}$/), sequence: 1 });
  });

  it('takes a manifest as well, and forgets the number that was wished before', async () => {
    await restore({ commit: 1 });
    const { manifest } = commit(2);
    expect((await restore({ commit: manifest })).status).toBe(202);
    expect(specOf()?.restore).toEqual({ requestId: expect.any(String), manifest });
  });

  it('with an Idempotency-Key is asked for once, and says when it is done', async () => {
    const first = await restore({ commit: 1 }, 'job-1');
    const calls = facade.cluster.calls.length;
    expect((await restore({ commit: 1 }, 'job-1')).body).toEqual(first.body);
    expect(facade.cluster.calls.slice(calls)).toEqual(['get workspaces/ann']);
    const { requestId = '' } = specOf()?.restore ?? {};
    expect(requestId).toMatch(/^[0-9a-f]{40}$/);
    const restored = { requestId, sequence: 1, manifest: commit(1).manifest, at: '2026-01-02T00:00:00Z' };
    facade.cluster.addOther(WORKSPACES, { ...aWorkspace('ann', { ...STATUS, restored }), spec: specOf() } as never);
    expect(await restore({ commit: 1 }, 'job-1')).toMatchObject({
      status: 200,
      body: { restore: { sequence: 1, state: 'done', done_at: '2026-01-02T00:00:00Z' } },
    });
    expect(await restore({ commit: 2 }, 'job-1')).toMatchObject({
      status: 422,
      body: { type: 'tag:matrx.dev,2026:idempotency-key-reused' },
    });
  });

  it('answers 409 while a sandbox has the workspace', async () => {
    facade.cluster.addOther(WORKSPACES, aWorkspace('ann', { ...STATUS, writer: WRITER }));
    expect(await restore({ commit: 1 })).toMatchObject({
      status: 409,
      body: { type: 'tag:matrx.dev,2026:workspace-in-use', sandbox_id: 'demo' },
    });
    expect(specOf()?.restore).toBeUndefined();
  });

  it('answers 409 also where a sandbox takes the workspace at the same moment', async () => {
    facade.cluster.fail('mergePatch', new KubeError('Conflict', 'the resourceVersion is another', { code: 409 }));
    const asked = restore({ commit: 1 });
    facade.cluster.addOther(WORKSPACES, aWorkspace('ann', { ...STATUS, writer: WRITER }));
    expect((await asked).status).toBe(409);
  });

  it.each([
    [{}],
    [{ commit: 0 }],
    [{ commit: 1.5 }],
    [{ commit: '../HEAD' }],
    [{ commit: '.ws/HEAD' }],
    [{ commit: null }],
  ])('answers 422 to %j', async (body) => {
    expect((await restore(body)).status).toBe(422);
    expect(specOf()?.restore).toBeUndefined();
  });

  it('answers 422 to a number that no commit of the history has: nothing could start from it', async () => {
    expect(await restore({ commit: 7 })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'commit'], input: 7 }] },
    });
    expect(specOf()?.restore).toBeUndefined();
  });

  it('can be taken back, also while a sandbox waits in vain for it', async () => {
    const forget = () => facade.request('/users/ann/workspace/restore', { method: 'DELETE' });
    await restore({ commit: 1 });
    const spec = specOf();
    facade.cluster.addOther(WORKSPACES, { ...aWorkspace('ann', { ...STATUS, writer: WRITER }), spec } as KubeObject);
    expect(await forget()).toMatchObject({ status: 200, body: { restore: null } });
    expect(specOf()?.restore).toBeUndefined();
    const calls = facade.cluster.calls.length;
    expect((await forget()).status).toBe(200);
    expect(facade.cluster.calls.slice(calls)).toEqual(['get workspaces/ann']);
  });

  it('answers 404 where there is no workspace', async () => {
    expect((await facade.request('/users/bob/workspace/restore', { body: { commit: 1 } })).status).toBe(404);
  });
});

describe('a key', () => {
  it('sees no workspace of a user it may not act for, and learns nothing of it', async () => {
    facade = await startFacade({}, undefined, {
      authenticator: byName({ bob: keyCaller('bob', ['bob']), reader: keyCaller('r', undefined, ['sandboxes:read']) }),
    });
    facade.cluster.addOther(WORKSPACES, aWorkspace('ann', STATUS));
    const as = (key: string, path: string, body?: unknown) =>
      facade.request(path, { headers: { 'X-API-Key': key }, ...(body === undefined ? {} : { body }) });
    for (const user of ['ann', 'nobody']) {
      expect((await as('bob', `/users/${user}/workspace`)).status).toBe(403);
      expect((await as('bob', `/users/${user}/workspace/commits`)).status).toBe(403);
      expect((await as('bob', `/users/${user}/workspace/restore`, { commit: 1 })).status).toBe(403);
    }
    expect((await as('bob', '/users/bob/workspace')).status).toBe(404);
    expect((await as('reader', '/users/ann/workspace')).status).toBe(403);
    expect(facade.cluster.calls).toEqual(['get workspaces/bob']);
  });
});
