import { describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stalled, stopped } from './support/statuses.ts';

const ANN = { user_id: 'ann' };

/** Posts, and lets the controller say `status` of the new Sandbox once it is waited for. */
const post = async (
  facade: TestFacade,
  status: Parameters<TestFacade['cluster']['setStatus']>[1],
  body: unknown = ANN,
  headers: Record<string, string> = {},
) => {
  const created = facade.cluster.nextCreated();
  const answer = facade.request('/sandboxes', { body, headers });
  const { name } = (await created).metadata;
  await facade.clock.waitForSleepers(1);
  facade.cluster.setStatus(name, status);
  return { answer, name };
};

describe('POST /sandboxes', () => {
  it('answers 201 with the sandbox once it is ready', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, ready('pod-1'), { ...ANN, config: { plan: 'pro', __proto__: null } });
    const { status, body, headers } = await answer;
    expect(status).toBe(201);
    expect(name).toMatch(/^sbx-[0-9a-f]{12}$/);
    expect(headers.get('location')).toBe(`/sandboxes/${name}`);
    expect(body).toEqual({
      sandbox_id: name,
      user_id: 'ann',
      status: 'ready',
      container_id: 'pod-1',
      created_at: '2026-01-02T03:04:05Z',
      hot_path: '/home/agent',
      cold_path: '/data/cold',
      config: { plan: 'pro' },
      ssh_port: null,
      ttl_seconds: 7200,
      on_expire: 'stop',
      idle_seconds: null,
      heartbeat_seconds: null,
      restart_policy: 'always',
      metadata: {},
      reason: 'PodReady',
      message: 'the sandbox is running',
      stop_reason: null,
      result: null,
      result_omitted: false,
      error: null,
      template: 'default',
      image: null,
      resources: null,
      node: null,
      started_at: null,
      stopped_at: null,
      expires_at: null,
      last_heartbeat_at: null,
      workspace: { name: null, ephemeral: false, saved: false, saved_at: null },
    });
  });

  it('passes what was asked for on to the resource', async () => {
    const facade = await startFacade();
    const asked = {
      user_id: 'Ann.B',
      config: { a: [1, { b: null }] },
      image: 'example/image:2',
      env: [{ name: 'COLOR', value: 'blue' }],
      template: 'gpu',
      workspace: { name: 'notes' },
      resources: { limits: { cpu: 2, memory: '4Gi' } },
      restart_policy: 'never',
    };
    const { answer, name } = await post(facade, ready('pod-1'), asked);
    expect((await answer).body).toMatchObject({
      template: 'gpu',
      image: 'example/image:2',
      workspace: { name: 'notes' },
      restart_policy: 'never',
    });
    const { metadata, spec } = facade.cluster.get(name) ?? {};
    expect(metadata?.labels).toEqual({
      'app.kubernetes.io/managed-by': 'matrx-sandbox',
      'matrx.dev/api-key': 'configured',
      'matrx.dev/user': expect.stringMatching(/^x--[0-9a-f]{40}$/),
    });
    expect(spec).toMatchObject({
      userId: 'Ann.B',
      config: asked.config,
      image: 'example/image:2',
      env: asked.env,
      templateRef: { name: 'gpu' },
      workspace: { name: 'notes', ephemeral: false },
      resources: { limits: { cpu: 2, memory: '4Gi' } },
      desiredState: 'Running',
    });
  });

  it('keeps a key of config that JavaScript gives a meaning to', async () => {
    const facade = await startFacade();
    const { answer } = await post(facade, ready('pod-1'), '{"user_id":"ann","config":{"__proto__":{"x":1}}}');
    expect(JSON.stringify((await answer).body)).toContain('"config":{"__proto__":{"x":1}}');
  });

  it('answers 202 at once to a client that prefers not to wait', async () => {
    const facade = await startFacade();
    const { status, body, headers } = await facade.request('/sandboxes', {
      body: ANN,
      headers: { Prefer: 'respond-async' },
    });
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'creating', container_id: null, reason: null });
    expect(headers.get('preference-applied')).toBe('respond-async');
    expect(headers.get('location')).toBe(`/sandboxes/${(body as { sandbox_id: string }).sandbox_id}`);
  });

  it('answers 202 when the client has waited as long as it said it would', async () => {
    const facade = await startFacade();
    const { answer } = await post(facade, notReady('RestoringWorkspace', 'restoring', { podName: 'p' }), ANN, {
      Prefer: 'wait=7',
    });
    await facade.clock.advance(7000);
    expect(await answer).toMatchObject({ status: 202, body: { status: 'starting', reason: 'RestoringWorkspace' } });
  });

  it('answers 504 with the sandbox, which goes on starting, when the wait limit is over', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, notReady('RestoringWorkspace', 'restoring', { podName: 'p' }));
    await facade.clock.advance(119_000);
    expect(facade.clock.sleepers()).toBe(1);
    await facade.clock.advance(1000);
    const { status, headers, body } = await answer;
    expect(status).toBe(504);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(headers.get('location')).toBe(`/sandboxes/${name}`);
    expect(body).toMatchObject({
      type: 'tag:matrx.dev,2026:start-timeout',
      title: 'The sandbox did not start in time',
      status: 504,
      detail: `Sandbox ${name}: restoring`,
      sandbox_id: name,
      reason: 'RestoringWorkspace',
      sandbox: { status: 'starting' },
    });
    expect(facade.cluster.get(name)?.spec.desiredState).toBe('Running');
  });

  it('asks the API server before it gives up, because its own watch may stand still', async () => {
    const facade = await startFacade();
    const created = facade.cluster.nextCreated();
    const answer = facade.request('/sandboxes', { body: ANN });
    const { name } = (await created).metadata;
    await facade.clock.waitForSleepers(1);
    facade.cluster.lag();
    facade.cluster.setStatus(name, ready('pod-1'));
    await facade.clock.advance(120_000);
    expect((await answer).status).toBe(201);
  });

  it('waits for the workspace to be let go', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, notReady('WorkspaceInUse', 'in use by sandbox sbx-1'));
    await facade.clock.advance(60_000);
    facade.cluster.setStatus(name, ready('pod-1'));
    expect((await answer).status).toBe(201);
  });

  it('answers 409 when the workspace stays in use, and leaves no sandbox behind that would start later', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, notReady('WorkspaceInUse', 'in use by sandbox sbx-1'));
    await facade.clock.advance(120_000);
    const { status, body, headers } = await answer;
    expect(status).toBe(409);
    expect(body).toMatchObject({
      reason: 'WorkspaceInUse',
      sandbox_id: name,
      detail: `Sandbox ${name}: in use by sandbox sbx-1`,
    });
    expect(headers.get('retry-after')).toBe('10');
    const { spec, metadata } = facade.cluster.get(name) ?? {};
    expect(spec?.desiredState).toBe('Stopped');
    expect(metadata?.annotations).toEqual({
      'matrx.dev/stop-reason': 'error',
      'matrx.dev/start-failure': 'WorkspaceInUse: in use by sandbox sbx-1',
    });
  });

  it.each([
    ['StorageForbidden', 503, 'storage-unavailable'],
    ['BucketNotFound', 503, 'storage-unavailable'],
    ['WorkspaceCorrupt', 500, 'start-failed'],
    ['PodRefused', 500, 'start-failed'],
    ['PodNameTaken', 500, 'start-failed'],
    ['OverrideNotAllowed', 422, 'override-not-allowed'],
  ])('answers a start that only a person can help, for %s, with %i at once', async (reason, status, kind) => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, stalled(reason));
    expect(await answer).toMatchObject({
      status,
      body: { type: `tag:matrx.dev,2026:${kind}`, status, reason, sandbox_id: name, sandbox: { status: 'failed' } },
    });
  });

  it('answers 422 that names the field for a template that does not exist', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, stalled('TemplateNotFound', 'no such template'), {
      ...ANN,
      template: 'big',
    });
    expect(await answer).toMatchObject({
      status: 422,
      body: {
        detail: [{ type: 'value_error', loc: ['body', 'template'], msg: 'no such template', input: 'big' }],
        sandbox_id: name,
        reason: 'TemplateNotFound',
      },
    });
  });

  it.each([
    ['StorageUnreachable', 503, 'storage-unavailable'],
    ['Unschedulable', 503, 'no-capacity'],
    ['ContainersStarting', 504, 'start-timeout'],
  ])('answers a start that is still held up by %s at the limit with %i', async (reason, status, kind) => {
    const facade = await startFacade();
    const { answer } = await post(facade, notReady(reason));
    await facade.clock.advance(120_000);
    expect(await answer).toMatchObject({ status, body: { type: `tag:matrx.dev,2026:${kind}`, reason } });
  });

  it('gives up after 20 s where the user has as much as one may have, with 429 and the figures', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, notReady('QuotaExceeded', 'user ann may have 2'));
    await facade.clock.advance(20_000);
    expect(await answer).toMatchObject({
      status: 429,
      body: { type: 'tag:matrx.dev,2026:quota-exceeded', detail: expect.stringContaining('may have 2') },
    });
    expect(facade.cluster.get(name)?.spec.desiredState).toBe('Stopped');
  });

  it('gives up on an image that cannot be pulled after 20 s, naming the field that asked for it', async () => {
    const facade = await startFacade();
    const { answer } = await post(facade, notReady('ImagePullFailed', 'not found', { podName: 'p' }), {
      ...ANN,
      image: 'no',
    });
    await facade.clock.advance(20_000);
    expect(await answer).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'image'], input: 'no' }] } });
  });

  it('stops what could not be started, so that the next try gets the workspace, and keeps why on record [T9]', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, stalled('TemplateNotFound', 'no such template'));
    expect((await answer).status).toBe(422);
    expect(facade.cluster.get(name)?.spec.desiredState).toBe('Stopped');
    const record = { status: 'failed', reason: 'TemplateNotFound', message: 'no such template' };
    expect((await facade.request(`/sandboxes/${name}`)).body).toMatchObject(record);
    facade.cluster.setStatus(name, stopped(true, { stopReason: 'error' }));
    expect((await facade.request(`/sandboxes/${name}`)).body).toMatchObject({ ...record, stop_reason: 'error' });
    expect((await facade.request(`/sandboxes/${name}`, { method: 'DELETE' })).status).toBe(204);
  });

  it('answers with the failed start even where that cannot be stopped', async () => {
    const facade = await startFacade();
    facade.cluster.fail('mergePatch', new KubeError('Unreachable', 'connect ECONNREFUSED'));
    const { answer } = await post(facade, stalled('PodRefused'));
    expect(await answer).toMatchObject({ status: 500, body: { reason: 'PodRefused' } });
    await facade.untilLogged(({ level }) => level === 40);
  });

  it('leaves a failing start alone where the client waits by its own clock', async () => {
    const facade = await startFacade();
    const failing = notReady('ImagePullFailed', 'no', { podName: 'p' });
    const { answer, name } = await post(facade, failing, ANN, { Prefer: 'wait=5' });
    await facade.clock.advance(5000);
    expect(await answer).toMatchObject({ status: 202, body: { status: 'starting', reason: 'ImagePullFailed' } });
    expect(facade.cluster.get(name)?.spec.desiredState).toBe('Running');
  });

  it('does not give up on a failing start that has recovered', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, notReady('ContainerFailing', 'crash', { podName: 'p' }));
    await facade.clock.advance(19_000);
    facade.cluster.setStatus(name, notReady('ContainersStarting', 'again', { podName: 'p' }));
    await facade.clock.advance(30_000);
    facade.cluster.setStatus(name, ready('p'));
    expect((await answer).status).toBe(201);
  });

  it('answers 409 when somebody else stops or deletes the sandbox meanwhile', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, notReady('CreatingPod'));
    facade.cluster.change(name, (sandbox) => ({ ...sandbox, spec: { ...sandbox.spec, desiredState: 'Stopped' } }));
    expect(await answer).toMatchObject({ status: 409, body: { type: 'tag:matrx.dev,2026:sandbox-stopped' } });

    const second = await post(facade, notReady('CreatingPod'));
    facade.cluster.remove(second.name);
    expect(await second.answer).toMatchObject({ status: 409, body: { sandbox_id: second.name } });
  });

  it('tries another id when one is taken', async () => {
    const facade = await startFacade();
    facade.cluster.fail('create', new KubeError('AlreadyExists', 'exists', { code: 409 }), { times: 2 });
    const { answer } = await post(facade, ready('p'));
    expect((await answer).status).toBe(201);
    expect(facade.cluster.calls.filter((call) => call.startsWith('create'))).toHaveLength(3);
  });

  it('goes on with a sandbox whose creation was applied though the answer was lost', async () => {
    const facade = await startFacade();
    facade.cluster.fail('create', new KubeError('Timeout', 'no answer'), { applied: true });
    const { answer } = await post(facade, ready('p'));
    expect((await answer).status).toBe(201);
    expect(facade.cluster.calls.filter((call) => call.startsWith('create'))).toHaveLength(1);
  });

  it('answers 503 with Retry-After when the API server cannot be reached, and says which id may exist', async () => {
    const facade = await startFacade();
    facade.cluster.fail('create', new KubeError('Unreachable', 'connect ECONNREFUSED'));
    facade.cluster.fail('get', new KubeError('Unreachable', 'connect ECONNREFUSED'));
    const { status, body, headers } = await facade.request('/sandboxes', { body: ANN });
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('5');
    expect(body).toMatchObject({ sandbox_id: expect.stringMatching(/^sbx-/) });
    expect(JSON.stringify(body)).not.toContain('ECONNREFUSED');
  });

  it("answers the API server's refusal with 422 and the field's name in the request", async () => {
    const facade = await startFacade();
    facade.cluster.fail(
      'create',
      new KubeError(
        'Invalid',
        'Sandbox.matrx.dev "sbx-1" is invalid: spec.env[0].name: Forbidden: is set by the product: HOME cannot be given',
        { code: 422 },
      ),
    );
    expect(await facade.request('/sandboxes', { body: { ...ANN, env: [{ name: 'HOME' }] } })).toMatchObject({
      status: 422,
      body: {
        detail: [
          {
            type: 'value_error',
            loc: ['body', 'env', 0, 'name'],
            msg: 'Forbidden: is set by the product: HOME cannot be given',
            input: 'HOME',
          },
        ],
      },
    });
  });

  it('ends the wait and not the sandbox when the client goes away [F21]', async () => {
    const facade = await startFacade();
    const client = new AbortController();
    const created = facade.cluster.nextCreated();
    const answer = facade.request('/sandboxes', { body: ANN, signal: client.signal });
    const { name } = (await created).metadata;
    await facade.clock.waitForSleepers(1);
    client.abort();
    await expect(answer).rejects.toThrow(/abort/i);
    await facade.untilLogged(({ status }) => status === 499);
    expect(facade.clock.sleepers()).toBe(0);
    expect(facade.cluster.get(name)?.spec.desiredState).toBe('Running');
    expect(facade.cluster.calls).toEqual(['create sandboxes']);
  });

  it('answers 503 and leaves the sandbox alone when the server has to stop', async () => {
    const facade = await startFacade();
    const { answer, name } = await post(facade, notReady('CreatingPod'));
    await facade.stop();
    expect(await answer).toMatchObject({ status: 503, body: { type: 'tag:matrx.dev,2026:shutting-down' } });
    expect(facade.cluster.get(name)?.spec.desiredState).toBe('Running');
  });
});
