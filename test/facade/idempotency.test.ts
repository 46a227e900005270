import { beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { byName, keyCaller } from './support/callers.ts';
import { type Answer, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stalled, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
});

const ANN = { user_id: 'ann' };
const post = (key: string, body: unknown = ANN, headers: Record<string, string> = {}): Promise<Answer> =>
  facade.request('/sandboxes', { body, headers: { 'Idempotency-Key': key, ...headers } });
const ASYNC = { Prefer: 'respond-async' };
const idOf = ({ body }: Answer): string => (body as { sandbox_id: string }).sandbox_id;

describe('Idempotency-Key on POST /sandboxes', () => {
  it('makes one sandbox of many requests, and says which were repetitions', async () => {
    const first = await post('job-1', ANN, ASYNC);
    expect(first.status).toBe(202);
    expect(idOf(first)).toMatch(/^sbx-[0-9a-f]{12}$/);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    const again = await post('job-1', ANN, ASYNC);
    expect(again.status).toBe(202);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(idOf(again)).toBe(idOf(first));
    expect(idOf(await post('job-2', ANN, ASYNC))).not.toBe(idOf(first));
  });

  it('lets a repetition wait like the first, and answers both alike', async () => {
    const created = facade.cluster.nextCreated();
    const answers = [post('job-1'), post('job-1')];
    const { name } = (await created).metadata;
    await facade.clock.waitForSleepers(2);
    facade.cluster.setStatus(name, ready('p'));
    const [a, b] = await Promise.all(answers);
    expect([a?.status, b?.status]).toEqual([201, 201]);
    expect(a?.body).toEqual(b?.body);
    expect(b?.headers.get('location')).toBe(`/sandboxes/${name}`);
  });

  it('holds across replicas, with nothing kept in one of them [F21]', async () => {
    const first = await post('job-1', ANN, ASYNC);
    const other = await startFacade({}, undefined, { kube: facade.cluster.kube });
    const again = await other.request('/sandboxes', {
      body: ANN,
      headers: { 'Idempotency-Key': 'job-1', ...ASYNC },
    });
    expect(idOf(again)).toBe(idOf(first));
    expect((await other.request(`/sandboxes/${idOf(first)}`)).status).toBe(200);
  });

  it('holds after a crash between the creation and the answer', async () => {
    facade.cluster.fail('create', new KubeError('Unreachable', 'connection reset'), { applied: true });
    facade.cluster.fail('get', new KubeError('Unreachable', 'connection refused'));
    const lost = await post('job-1', ANN, ASYNC);
    expect(lost.status).toBe(503);
    const again = await post('job-1', ANN, ASYNC);
    expect(again.status).toBe(202);
    expect(idOf(again)).toBe(idOf(lost));
    expect(facade.cluster.calls.filter((call) => call === 'create sandboxes')).toHaveLength(2);
  });

  it('answers 422 to the same key with another body', async () => {
    const first = await post('job-1', ANN, ASYNC);
    expect(await post('job-1', { user_id: 'bob' }, ASYNC)).toMatchObject({
      status: 422,
      body: { type: 'tag:matrx.dev,2026:idempotency-key-reused', detail: expect.stringContaining('new key') },
    });
    // The order of the fields is no difference.
    const same = await post('job-2', '{"user_id":"ann","config":{"a":1,"b":2}}', ASYNC);
    expect(idOf(await post('job-2', '{"config":{"b":2,"a":1},"user_id":"ann"}', ASYNC))).toBe(idOf(same));
    expect(facade.cluster.get(idOf(first))?.spec.userId).toBe('ann');
  });

  it('is of its caller alone: the same key of another is another', async () => {
    facade = await startFacade({}, undefined, {
      authenticator: byName({ one: keyCaller('one'), two: keyCaller('two') }),
    });
    const one = await post('job-1', ANN, { 'X-API-Key': 'one', ...ASYNC });
    const two = await post('job-1', ANN, { 'X-API-Key': 'two', ...ASYNC });
    expect(idOf(one)).not.toBe(idOf(two));
    expect(two.headers.get('idempotent-replayed')).toBeNull();
  });

  it('takes the next id where another sandbox has it by chance, also for the repetition', async () => {
    const first = await post('job-1', ANN, ASYNC);
    facade.cluster.remove(idOf(first));
    facade.cluster.add(aSandbox(idOf(first)).ofUser('somebody').build());
    const second = await post('job-1', ANN, ASYNC);
    expect(second.status).toBe(202);
    expect(idOf(second)).not.toBe(idOf(first));
    expect(idOf(await post('job-1', ANN, ASYNC))).toBe(idOf(second));
  });

  it('answers a repetition of one that has ended since as it is now, and starts nothing', async () => {
    const id = idOf(await post('job-1', ANN, ASYNC));
    facade.cluster.change(id, (sandbox) => ({ ...sandbox, spec: { ...sandbox.spec, desiredState: 'Stopped' } }));
    facade.cluster.setStatus(id, stopped(true, { startedAt: '2026-01-02T03:04:05Z' }));
    expect(await post('job-1')).toMatchObject({ status: 201, body: { sandbox_id: id, status: 'stopped' } });
    expect(facade.cluster.get(id)?.spec.desiredState).toBe('Stopped');
  });

  it('answers a repetition of one that was stopped before it had started with 409', async () => {
    const id = idOf(await post('job-1', ANN, ASYNC));
    facade.cluster.change(id, (sandbox) => ({ ...sandbox, spec: { ...sandbox.spec, desiredState: 'Stopped' } }));
    facade.cluster.setStatus(id, stopped(true));
    expect(await post('job-1')).toMatchObject({ status: 409, body: { sandbox_id: id } });
  });

  it('starts one again whose start was given up: the client tries again, and that is what it wants', async () => {
    const created = facade.cluster.nextCreated();
    const failing = post('job-1');
    const { name } = (await created).metadata;
    await facade.clock.waitForSleepers(1);
    facade.cluster.setStatus(name, stalled('StorageForbidden'));
    expect((await failing).status).toBe(503);
    facade.cluster.setStatus(name, stopped(true, { stopReason: 'error' }));

    const again = post('job-1');
    await facade.clock.waitForSleepers(1);
    const { spec, metadata } = facade.cluster.get(name) ?? {};
    expect(spec?.desiredState).toBe('Running');
    const request = metadata?.annotations?.['matrx.dev/new-run'] ?? '';
    facade.cluster.setStatus(name, {
      ...notReady('CreatingPod'),
      observedGeneration: 9,
      run: { startedAt: '2026-01-02T05:00:00Z', request },
    });
    facade.cluster.setStatus(name, {
      ...ready('p'),
      observedGeneration: 9,
      run: { startedAt: '2026-01-02T05:00:00Z', request },
    });
    expect(await again).toMatchObject({ status: 201, body: { sandbox_id: name, status: 'ready' } });
  });

  it.each(['x'.repeat(256), 'caf\u00e9', ''])('answers 422 to a key that cannot be one: %s', async (key) => {
    expect(await post(key)).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['header', 'Idempotency-Key'] }] },
    });
    expect(facade.cluster.calls).toEqual([]);
  });

  it('is not written into the resource as it is', async () => {
    const id = idOf(await post('secret-of-the-client', ANN, ASYNC));
    expect(JSON.stringify(facade.cluster.get(id))).not.toContain('secret-of-the-client');
  });
});
