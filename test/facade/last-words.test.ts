import { beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { asCaller, sandboxCaller } from './support/callers.ts';
import { type Answer, type RequestOptions, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
  facade.cluster.add(aSandbox().status(ready('demo')).build());
});

const say = (what: 'complete' | 'error', body?: unknown, options: RequestOptions = {}): Promise<Answer> =>
  facade.request(`/sandboxes/demo/${what}`, { method: 'POST', ...(body === undefined ? {} : { body }), ...options });
const record = async (): Promise<unknown> => (await facade.request('/sandboxes/demo')).body;
const annotations = () => facade.cluster.get('demo')?.metadata.annotations ?? {};

describe('POST /sandboxes/{id}/complete', () => {
  it('ends the sandbox gracefully, keeps the result, and is answered at once [A1.13] [A2.1]', async () => {
    expect(await say('complete', { result: { answer: 'forty-two' } })).toMatchObject({
      status: 200,
      body: { status: 'shutting_down', sandbox_id: 'demo' },
    });
    expect(facade.cluster.get('demo')?.spec.desiredState).toBe('Stopped');
    expect(annotations()).toMatchObject({ 'matrx.dev/stop-reason': 'graceful_shutdown' });
    expect(await record()).toMatchObject({ status: 'shutting_down', result: { answer: 'forty-two' }, error: null });
    const line = await facade.untilLogged(({ msg }) => msg === 'sandbox has completed');
    expect(line).toMatchObject({ sandbox_id: 'demo', user_id: 'ann' });
    expect(JSON.stringify(line)).not.toContain('forty-two');
  });

  it.each([
    ['no body', undefined],
    ['an empty object', {}],
    ['null', 'null'],
  ])('takes %s for no result [A1.13]', async (_what, body) => {
    expect((await say('complete', body)).status).toBe(200);
    expect(await record()).toMatchObject({ result: {}, result_omitted: false });
  });

  it.each([[{ result: 'text' }], [{ result: null }], [{ outcome: {} }], ['[]']])(
    'answers 422 to %j and ends nothing',
    async (body) => {
      expect((await say('complete', body)).status).toBe(422);
      expect(facade.cluster.get('demo')?.spec.desiredState).toBe('Running');
    },
  );

  it('ends the sandbox also where the result is too large to be kept, and says so', async () => {
    const large = await startFacade({ maxBodyBytes: 1024 * 1024 });
    large.cluster.add(aSandbox().status(ready('demo')).build());
    const body = { result: { text: 'x'.repeat(70_000) } };
    expect((await large.request('/sandboxes/demo/complete', { body })).status).toBe(200);
    expect(large.cluster.get('demo')?.spec.desiredState).toBe('Stopped');
    expect((await large.request('/sandboxes/demo')).body).toMatchObject({ result: null, result_omitted: true });
  });

  it('keeps a key that JavaScript gives a meaning to', async () => {
    await say('complete', '{"result":{"__proto__":{"x":1}}}');
    expect(JSON.parse(annotations()['matrx.dev/result'] ?? '').result).toEqual(JSON.parse('{"__proto__":{"x":1}}'));
  });

  it('said again, while it is being ended and after, changes nothing', async () => {
    await say('complete', { result: { first: true } });
    expect((await say('complete', { result: { second: true } })).status).toBe(200);
    expect((await say('error', { error: 'late' })).status).toBe(200);
    expect(annotations()['matrx.dev/stop-reason']).toBe('graceful_shutdown');
    expect(await record()).toMatchObject({ result: { first: true }, error: { error: 'late' } });
    facade.cluster.setStatus('demo', stopped(true));
    const { calls } = facade.cluster;
    const before = calls.length;
    expect((await say('complete', { result: { third: true } })).status).toBe(200);
    expect(calls.slice(before)).toEqual([]);
    expect(await record()).toMatchObject({ result: { first: true } });
  });

  it('is kept with the reason of whoever asked for the end before', async () => {
    await facade.request('/sandboxes/demo', { method: 'DELETE', headers: { Prefer: 'respond-async' } });
    await say('complete', { result: { saved: 3 } });
    expect(annotations()['matrx.dev/stop-reason']).toBe('user_requested');
    expect(await record()).toMatchObject({ result: { saved: 3 } });
  });

  it('is written even where the controller writes at the same moment', async () => {
    facade.cluster.lag();
    facade.cluster.setStatus('demo', ready('demo', { startedAt: '2026-01-02T03:04:05Z' }));
    expect((await say('complete')).status).toBe(200);
    expect(facade.cluster.get('demo')).toMatchObject({
      spec: { desiredState: 'Stopped' },
      status: { startedAt: '2026-01-02T03:04:05Z' },
    });
  });

  it('answers 404 for a sandbox that does not exist, and 503 where the API server does not answer', async () => {
    expect((await facade.request('/sandboxes/none/complete', { method: 'POST' })).status).toBe(404);
    facade.cluster.fail('mergePatch', new KubeError('Unreachable', 'connect ECONNREFUSED'));
    expect((await say('complete')).status).toBe(503);
  });
});

describe('POST /sandboxes/{id}/error', () => {
  it('ends the sandbox, keeps the error, and logs it with the user [A1.14] [A2.1]', async () => {
    expect(await say('error', { error: 'no disk', details: { free: 0 } })).toMatchObject({
      status: 200,
      body: { status: 'shutting_down', sandbox_id: 'demo', error_received: true },
    });
    expect(annotations()).toMatchObject({ 'matrx.dev/stop-reason': 'error' });
    expect(await record()).toMatchObject({
      status: 'shutting_down',
      error: { error: 'no disk', details: { free: 0 }, details_omitted: false },
    });
    expect(await facade.untilLogged(({ msg }) => msg === 'sandbox has reported an error')).toMatchObject({
      level: 40,
      sandbox_id: 'demo',
      user_id: 'ann',
      error: 'no disk',
    });
  });

  it.each([[undefined], [{}], [{ error: 5 }], [{ error: 'x', details: [] }], [{ error: 'x', more: 1 }]])(
    'answers 422 to %j [A1.14]',
    async (body) => {
      expect((await say('error', body)).status).toBe(422);
    },
  );

  it('cuts what is too long, and keeps the rest', async () => {
    await say('error', { error: 'e'.repeat(5000) });
    const { error } = (await record()) as { error: { error: string } };
    expect(error.error).toHaveLength(4096);
    expect(error.error).toMatch(/^e+…$/);
  });

  it('is nothing that anybody can forge into a record that is no JSON', async () => {
    facade.cluster.change('demo', (sandbox) => ({
      ...sandbox,
      metadata: {
        ...sandbox.metadata,
        annotations: { 'matrx.dev/error': '{', 'matrx.dev/result': '{"result":1}', 'matrx.dev/metadata': '[1]' },
      },
    }));
    expect(await record()).toMatchObject({ error: null, result: null, metadata: {} });
  });
});

describe('the sandbox itself', () => {
  it('may say both, by the token of its pod; of another it does not learn that there is one [T6]', async () => {
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
    expect((await own.request('/sandboxes/other/error', { body: { error: 'x' } })).status).toBe(404);
    expect((await own.request('/sandboxes/demo/error', { body: { error: 'x' } })).status).toBe(200);
    expect((await own.request('/sandboxes/demo/complete', { method: 'POST' })).status).toBe(200);
    expect(own.cluster.get('other')?.spec.desiredState).toBe('Running');
  });

  it('has no say once its pod is another one', async () => {
    const old = await startFacade({}, undefined, { authenticator: asCaller(sandboxCaller('demo', 'an-old-pod')) });
    old.cluster.add(
      aSandbox()
        .status(notReady('CreatingPod', 'again', { podUid: 'a-new-pod' }))
        .build(),
    );
    expect((await old.request('/sandboxes/demo/complete', { method: 'POST' })).status).toBe(404);
  });
});
