import { expect } from '@jest/globals';
import type { Lease } from '../../src/runtime/lease.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { makeRest, type Rest } from '../support/e2e/rest.ts';
import { scenario } from '../support/e2e/scenario.ts';

interface Shown {
  readonly sandbox_id: string;
  readonly status: string;
}

const userOf = (word: string): string => `e2e-${word}-${Math.random().toString(36).slice(2, 10)}`;
const createFor = async (cluster: Cluster, rest: Rest, body: Record<string, never> | object): Promise<string> => {
  const { status, body: answer } = await rest('POST', '/sandboxes', { body: body as never });
  const { sandbox_id: id } = answer as Shown;
  if (typeof id === 'string') cluster.own(`sandbox/${id}`);
  expect({ status, answer }).toMatchObject({ status: 201 });
  return id;
};
const exec = async (rest: Rest, id: string, command: string): Promise<string> => {
  const { status, body } = await rest('POST', `/sandboxes/${id}/exec`, { body: { command } });
  expect({ status, body }).toMatchObject({ status: 200, body: { exit_code: 0 } });
  return (body as { stdout: string }).stdout;
};

scenario(
  'a sandbox lives its whole life by REST: made once, found, changed, suspended, resumed, completed [A1.7] [A1.12] [A1.13]',
  360,
  async (cluster) => {
    const rest = makeRest(cluster.environment, cluster.signal);
    const userId = userOf('life');
    const request = { body: { user_id: userId, metadata: { test: userId } }, headers: { 'Idempotency-Key': userId } };
    const both = await Promise.all([rest('POST', '/sandboxes', request), rest('POST', '/sandboxes', request)]);
    const ids = both.map(({ body }) => (body as Shown).sandbox_id);
    for (const id of ids) cluster.own(`sandbox/${id}`);
    expect(both.map(({ status }) => status)).toEqual([201, 201]);
    const [id = ''] = ids;
    expect(new Set(ids).size).toBe(1);

    expect((await rest('GET', `/sandboxes?metadata[test]=${userId}&status=ready,running`)).body).toMatchObject({
      sandboxes: [{ sandbox_id: id }],
      total: 1,
    });
    const { headers } = await rest('GET', `/sandboxes/${id}`);
    const ifMatch = { 'If-Match': headers.get('etag') ?? '' };
    const patched = await rest('PATCH', `/sandboxes/${id}`, { body: { ttl_seconds: 3600 }, headers: ifMatch });
    expect(patched).toMatchObject({ status: 200, body: { ttl_seconds: 3600, metadata: { test: userId } } });
    expect((await rest('PATCH', `/sandboxes/${id}`, { body: { ttl_seconds: 60 }, headers: ifMatch })).status).toBe(412);
    expect(await rest('PATCH', `/sandboxes/${id}`, { body: { env: [{ name: 'HOME', value: '/' }] } })).toMatchObject({
      status: 422,
      body: { detail: [{ loc: ['body', 'env', 0, 'name'] }] },
    });

    expect((await rest('POST', `/sandboxes/${id}/heartbeat`)).body).toEqual({ acknowledged: true, sandbox_id: id });
    await eventually(
      'the heartbeat makes it running',
      async () => ((await rest('GET', `/sandboxes/${id}`)).body as Shown).status === 'running',
      { deadlineMs: 30_000, signal: cluster.signal },
    );
    await exec(rest, id, 'echo kept > note.txt');

    // Events follow what they tell of.
    await eventually(
      'events of the sandbox and of its pod are told',
      async () => {
        const { body: events } = await rest('GET', `/sandboxes/${id}/events`);
        const told = (events as { events: { object: string; reason: string }[] }).events;
        const isReadyTold = told.some(({ object, reason }) => object === 'Sandbox' && reason === 'Ready');
        return isReadyTold && told.some(({ object }) => object === 'Pod');
      },
      { deadlineMs: 60_000, signal: cluster.signal },
    );
    expect((await rest('GET', `/sandboxes/${id}/logs?tail=5&timestamps=true`)).status).toBe(200);

    const suspended = await rest('POST', `/sandboxes/${id}/suspend`);
    expect(suspended).toMatchObject({ status: 200, body: { status: 'suspended', workspace: { saved: true } } });
    expect(await cluster.kubectl.find(`pod/${id}`)).toBeUndefined();
    expect((await rest('GET', `/sandboxes/${id}/logs`)).status).toBe(409);
    const resumed = await rest('POST', `/sandboxes/${id}/resume`);
    expect(resumed).toMatchObject({ status: 200, body: { sandbox_id: id, status: 'ready' } });
    expect(await exec(rest, id, 'cat note.txt')).toBe('kept');

    expect(await rest('POST', `/sandboxes/${id}/complete`, { body: { result: { answer: 42 } } })).toMatchObject({
      status: 200,
      body: { status: 'shutting_down', sandbox_id: id },
    });
    expect((await rest('DELETE', `/sandboxes/${id}`)).status).toBe(204);
    expect((await rest('GET', `/sandboxes/${id}`)).body).toMatchObject({
      status: 'stopped',
      stop_reason: 'graceful_shutdown',
      result: { answer: 42 },
    });
  },
);

scenario('a workspace is shown by REST, and goes back to an older commit at the next start', 360, async (cluster) => {
  const rest = makeRest(cluster.environment, cluster.signal);
  const userId = userOf('restore');
  const first = await createFor(cluster, rest, { user_id: userId });
  await exec(rest, first, 'echo old > note.txt');
  const head = await eventually(
    'the first commit is shown',
    async () => {
      const { body } = await rest('GET', `/sandboxes/${first}/workspace`);
      const { saved, head: found } = body as { saved: boolean | null; head: { sequence: number } | null };
      return saved === true && found !== null ? found : undefined;
    },
    { deadlineMs: 60_000, signal: cluster.signal },
  );
  await exec(rest, first, 'echo new > note.txt');
  const restore = { body: { commit: head.sequence }, headers: { 'Idempotency-Key': 'back' } };
  expect((await rest('POST', `/users/${userId}/workspace/restore`, restore)).status).toBe(409);
  expect((await rest('DELETE', `/sandboxes/${first}`)).status).toBe(204);
  const { body: list } = await rest('GET', `/users/${userId}/workspace/commits`);
  expect((list as { commits: { sequence: number }[] }).commits.map(({ sequence }) => sequence)).toContain(
    head.sequence,
  );
  const asked = await rest('POST', `/users/${userId}/workspace/restore`, restore);
  expect(asked).toMatchObject({ status: 202, body: { restore: { state: 'pending', sequence: head.sequence } } });

  const second = await createFor(cluster, rest, { user_id: userId });
  expect(await exec(rest, second, 'cat note.txt')).toBe('old');
  await eventually(
    'the workspace says that it is done',
    async () => (await rest('POST', `/users/${userId}/workspace/restore`, restore)).status === 200,
    { deadlineMs: 30_000, signal: cluster.signal },
  );
  expect((await rest('DELETE', `/sandboxes/${second}`)).status).toBe(204);
});

scenario(
  'one of the facades takes the webhooks while there is an endpoint, and connects to none that is not public',
  180,
  async (cluster) => {
    const rest = makeRest(cluster.environment, cluster.signal);
    const system = ['-n', 'matrx-system'];
    const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    const entry = JSON.stringify({ url: 'https://127.0.0.1:1/', secret });
    const holder = async (): Promise<string> => {
      const text = await cluster.kubectl.run([
        ...system,
        'get',
        'lease/matrx-webhooks',
        '--ignore-not-found',
        '-o',
        'json',
      ]);
      return text === '' ? '' : ((JSON.parse(text) as Lease).spec?.holderIdentity ?? '');
    };
    const waiting = { deadlineMs: 60_000, signal: cluster.signal };
    await cluster.kubectl.run([
      ...system,
      'create',
      'secret',
      'generic',
      'matrx-webhooks',
      `--from-literal=app=${entry}`,
    ]);
    try {
      const held = await eventually('a facade takes the lease', async () => (await holder()) || undefined, waiting);
      expect(held).toMatch(/^matrx-facade-/);
      const id = await createFor(cluster, rest, { user_id: userOf('hooks') });
      const pod = held.slice(0, held.lastIndexOf('_'));
      await eventually(
        'it says why it does not send',
        async () => {
          const log = await cluster.kubectl.run([...system, 'logs', pod, '--tail=200']);
          return log.split('\n').some((line) => line.includes(id) && line.includes('no public address'));
        },
        waiting,
      );
      expect((await rest('DELETE', `/sandboxes/${id}`)).status).toBe(204);
    } finally {
      await cluster.kubectl.run([...system, 'delete', 'secret', 'matrx-webhooks']);
    }
    await eventually('nobody holds the lease', async () => (await holder()) === '', waiting);
  },
);
