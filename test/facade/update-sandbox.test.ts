import { beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { byName, keyCaller } from './support/callers.ts';
import { type Answer, startFacade, type TestFacade } from './support/facade.ts';
import { ready } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
  facade.cluster.add(
    aSandbox()
      .with({ image: 'example/image:1', resources: { limits: { cpu: '2', memory: '4Gi' } } })
      .status(ready('demo'))
      .build(),
  );
});

const patch = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  facade.request('/sandboxes/demo', { method: 'PATCH', body, headers });
const patches = (): number => facade.cluster.calls.filter((call) => call.startsWith('patch')).length;

describe('PATCH /sandboxes/{id}', () => {
  it('changes the lifetime and leaves the rest of it as it is', async () => {
    const { status, body } = await patch({ ttl_seconds: 600, on_expire: 'suspend' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ ttl_seconds: 600, on_expire: 'suspend', image: 'example/image:1' });
    expect(facade.cluster.get('demo')?.spec.lifetime).toEqual({
      ttlSeconds: 600,
      onExpire: 'Suspend',
      retainSeconds: 86_400,
    });
  });

  it('changes what becomes of it when its pod is lost', async () => {
    expect((await patch({ restart_policy: 'never' })).body).toMatchObject({ restart_policy: 'never' });
    expect(facade.cluster.get('demo')?.spec.restartPolicy).toBe('Never');
    expect((await patch({ restart_policy: 'always' })).body).toMatchObject({ restart_policy: 'always' });
    expect((await patch({ restart_policy: 'sometimes' })).body).toMatchObject({
      detail: [{ loc: ['body', 'restart_policy'] }],
    });
  });

  it('changes what the next start looks like: null takes away, lists are replaced, objects merged', async () => {
    await patch({ env: [{ name: 'COLOR', value: 'blue' }] });
    const { body } = await patch({
      image: null,
      env: [{ name: 'SIZE' }],
      resources: { limits: { memory: null, 'ephemeral-storage': '2Gi' }, requests: { cpu: 1 } },
    });
    expect(body).toMatchObject({
      image: null,
      resources: { limits: { cpu: '2', 'ephemeral-storage': '2Gi' }, requests: { cpu: 1 } },
    });
    const { spec } = facade.cluster.get('demo') ?? {};
    expect(spec?.image).toBeUndefined();
    expect(spec?.env).toEqual([{ name: 'SIZE', value: '' }]);
    expect(spec?.desiredState).toBe('Running');
  });

  it('merges metadata, entry by entry', async () => {
    expect((await patch({ metadata: { team: 'a', 'cost/center': '7' } })).body).toMatchObject({
      metadata: { team: 'a', 'cost/center': '7' },
    });
    expect((await patch({ metadata: { team: null, stage: 'test' } })).body).toMatchObject({
      metadata: { 'cost/center': '7', stage: 'test' },
    });
    await patch({ metadata: { 'cost/center': null, stage: null } });
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({ metadata: {} });
    expect(facade.cluster.get('demo')?.metadata.annotations).toEqual({});
  });

  it('keeps the limits of metadata over several changes', async () => {
    const many = (from: number) => Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${from + i}`, 'v']));
    expect((await patch({ metadata: many(0) })).status).toBe(200);
    expect(await patch({ metadata: many(40) })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'metadata'], msg: 'at most 64 entries' }] },
    });
  });

  it('with nothing in it writes nothing', async () => {
    expect((await patch({})).status).toBe(200);
    expect(patches()).toBe(0);
  });

  it.each([
    [{ user_id: 'bob' }, ['body', 'user_id']],
    [{ workspace: { name: 'x' } }, ['body', 'workspace']],
    [{ ttl_seconds: 0 }, ['body', 'ttl_seconds']],
    [{ on_expire: 'Stop' }, ['body', 'on_expire']],
    [{ metadata: { 'a b': 'x' } }, ['body', 'metadata', 'a b']],
    [{ metadata: { a: 1 } }, ['body', 'metadata', 'a']],
    [{ metadata: { a: 'x'.repeat(1025) } }, ['body', 'metadata', 'a']],
    [{ image: 'a b' }, ['body', 'image']],
  ])('answers 422 to %j', async (body, loc) => {
    expect(await patch(body)).toMatchObject({ status: 422, body: { detail: [{ loc }] } });
    expect(patches()).toBe(0);
  });

  it("answers the API server's refusal with 422 and the field's name in the request", async () => {
    facade.cluster.fail(
      'mergePatch',
      new KubeError(
        'Invalid',
        'Sandbox.matrx.dev "demo" is invalid: spec.env[0].name: Forbidden: is set by the product: HOME cannot be given',
        { code: 422 },
      ),
    );
    expect(await patch({ env: [{ name: 'HOME' }] })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'env', 0, 'name'], input: 'HOME' }] },
    });
  });

  it('takes the media type of a merge patch as well', async () => {
    const { status } = await patch('{"ttl_seconds":60}', { 'Content-Type': 'application/merge-patch+json' });
    expect(status).toBe(200);
  });

  it('answers 404 for one that is not there, and for one of another tenant', async () => {
    const tenant = await startFacade({}, undefined, {
      authenticator: byName({ ann: keyCaller('ann', ['ann']), bob: keyCaller('bob', ['bob']) }),
    });
    tenant.cluster.add(aSandbox().ofUser('ann').status(ready('demo')).build());
    const as = (key: string) =>
      tenant.request('/sandboxes/demo', {
        method: 'PATCH',
        body: { metadata: { seen: 'yes' } },
        headers: { 'X-API-Key': key },
      });
    expect((await as('bob')).status).toBe(404);
    expect((await as('ann')).status).toBe(200);
    expect((await facade.request('/sandboxes/none', { method: 'PATCH', body: {} })).status).toBe(404);
  });
});

describe('If-Match', () => {
  const tagOf = async (): Promise<string> => (await facade.request('/sandboxes/demo')).headers.get('etag') ?? '';

  it('lets a change through that was decided on what is there, once', async () => {
    const tag = await tagOf();
    expect(tag).toMatch(/^"[\w-]{22}"$/);
    const first = await patch({ metadata: { owner: 'ann' } }, { 'If-Match': tag });
    expect(first.status).toBe(200);
    expect(first.headers.get('etag')).toBe(await tagOf());
    expect(first.headers.get('etag')).not.toBe(tag);
    expect(await patch({ metadata: { owner: 'bob' } }, { 'If-Match': tag })).toMatchObject({
      status: 412,
      body: { type: 'tag:matrx.dev,2026:precondition-failed', sandbox_id: 'demo' },
    });
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({ metadata: { owner: 'ann' } });
  });

  it('is not disturbed by what the sandbox does meanwhile', async () => {
    const tag = await tagOf();
    facade.cluster.setStatus('demo', ready('demo', { lastHeartbeatTime: '2026-01-02T03:04:05Z' }));
    expect((await patch({ ttl_seconds: 600 }, { 'If-Match': tag })).status).toBe(200);
  });

  it('takes any of several, and *', async () => {
    const tag = await tagOf();
    expect((await patch({ ttl_seconds: 600 }, { 'If-Match': `"other", ${tag}` })).status).toBe(200);
    expect((await patch({ ttl_seconds: 700 }, { 'If-Match': '*' })).status).toBe(200);
    expect((await patch({ ttl_seconds: 800 }, { 'If-Match': 'W/"weak"' })).status).toBe(412);
  });

  it('knows a change of another replica that its own cache has not heard of', async () => {
    const old = await tagOf();
    facade.cluster.lag();
    facade.cluster.change('demo', (sandbox) => ({
      ...sandbox,
      metadata: { ...sandbox.metadata, annotations: { 'matrx.dev/metadata': '{"owner":"bob"}' } },
    }));
    expect((await patch({ metadata: { owner: 'ann' } }, { 'If-Match': old })).status).toBe(412);
    // And the tag that the other replica has given out counts here as well.
    const { headers } = await patch({ metadata: { owner: 'bob' } });
    expect((await patch({ ttl_seconds: 90 }, { 'If-Match': headers.get('etag') ?? '' })).status).toBe(200);
  });

  it('of two changes at once lets one through', async () => {
    const tag = await tagOf();
    const answers = await Promise.all(['a', 'b'].map((owner) => patch({ metadata: { owner } }, { 'If-Match': tag })));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 412]);
  });

  it('without it, two changes at once both count', async () => {
    const answers = await Promise.all([patch({ metadata: { a: '1' } }), patch({ metadata: { b: '2' } })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect((await facade.request('/sandboxes/demo')).body).toMatchObject({ metadata: { a: '1', b: '2' } });
  });

  it('gives up where another writes each time', async () => {
    facade.cluster.fail('mergePatch', new KubeError('Conflict', 'the resourceVersion is another', { code: 409 }), {
      times: 5,
    });
    expect((await patch({ ttl_seconds: 90 })).status).toBe(503);
  });
});
