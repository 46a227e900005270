import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/api/meta.ts';
import type { RequestReport } from '../../src/kube/caller.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { directAccess } from '../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { CONFIG_MAPS, NODES, PODS, SANDBOXES } from '../../src/kube/resource-types.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';

const POD = { type: PODS, namespace: 'sandboxes', name: 'demo' } as const;
const POD_PATH = '/api/v1/namespaces/sandboxes/pods/demo';

let server: KubeServer;
let clock: VirtualClock;
let client: KubeClient;
let reports: RequestReport[];

beforeEach(async () => {
  server = await startKubeServer();
  clock = makeVirtualClock();
  reports = [];
  client = makeKubeClient({ access: directAccess(server.url), clock, onRequest: (report) => reports.push(report) });
});

afterEach(async () => {
  await client.close();
  await server.close();
  expect(clock.sleepers()).toBe(0);
});

const demo = (extra: object = {}): KubeObject => ({ metadata: { name: 'demo', ...extra } });

describe('verbs', () => {
  it('gets an object of the core group and of a named group', async () => {
    const got = client.get(POD);
    (await server.take('GET', POD_PATH)).json(200, demo());
    expect(await got).toEqual(demo());

    const sandbox = client.get({ type: SANDBOXES, namespace: 'sandboxes', name: 'demo' });
    (await server.take('GET', '/apis/matrx.dev/v1alpha1/namespaces/sandboxes/sandboxes/demo')).json(200, demo());
    expect(await sandbox).toEqual(demo());
    expect(reports).toEqual([
      { method: 'GET', host: `127.0.0.1:${server.port}`, code: 200, durationMs: 0 },
      { method: 'GET', host: `127.0.0.1:${server.port}`, code: 200, durationMs: 0 },
    ]);
  });

  it('lists page by page and gives items the kind that lists leave out', async () => {
    const first = client.list(PODS, { namespace: 'sandboxes', labelSelector: 'a=b', limit: 1 });
    const page = await server.take('GET', '/api/v1/namespaces/sandboxes/pods');
    expect(page.query).toEqual({ labelSelector: 'a=b', limit: '1' });
    page.list([demo()], '7', 'token');
    expect(await first).toEqual({
      items: [{ apiVersion: 'v1', kind: 'Pod', ...demo() }],
      resourceVersion: '7',
      continue: 'token',
    });

    const last = client.list(PODS, { limit: 1, continue: 'token' });
    const rest = await server.take('GET', '/api/v1/pods');
    expect(rest.query).toEqual({ limit: '1', continue: 'token' });
    rest.json(200, { metadata: { resourceVersion: '7', continue: '' }, items: null });
    expect(await last).toEqual({ items: [], resourceVersion: '7' });
  });

  it('creates, with the type filled in, the field manager and a dry run', async () => {
    const created = client.create(CONFIG_MAPS, 'sandboxes', demo(), { fieldManager: 'me', dryRun: true });
    const post = await server.take('POST', '/api/v1/namespaces/sandboxes/configmaps');
    expect(post.query).toEqual({ fieldManager: 'me', dryRun: 'All' });
    expect(post.headers['content-type']).toBe('application/json');
    expect(post.body).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'demo' } });
    post.json(201, demo({ uid: 'u' }));
    expect((await created).metadata.uid).toBe('u');
  });

  it('replaces a subresource', async () => {
    const replaced = client.replace(POD, demo({ resourceVersion: '4' }), { subresource: 'status' });
    const put = await server.take('PUT', `${POD_PATH}/status`);
    expect(put.body).toEqual({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'demo', resourceVersion: '4' } });
    put.json(200, demo());
    await replaced;
  });

  it.each([
    ['apply', 'application/apply-patch+yaml', { fieldManager: 'me', force: 'true' }],
    ['mergePatch', 'application/merge-patch+json', {}],
    ['jsonPatch', 'application/json-patch+json', {}],
  ] as const)('%s is a PATCH of its own content type', async (verb, contentType, query) => {
    const run = {
      apply: () => client.apply(POD, demo(), { fieldManager: 'me', force: true, subresource: 'status' }),
      mergePatch: () => client.mergePatch(POD, { metadata: { labels: { a: null } } }, { subresource: 'status' }),
      jsonPatch: () => client.jsonPatch(POD, [{ op: 'test', path: '/a', value: 1 }], { subresource: 'status' }),
    };
    const patched = run[verb]();
    const patch = await server.take('PATCH', `${POD_PATH}/status`);
    expect(patch.headers['content-type']).toBe(contentType);
    expect(patch.query).toEqual(query);
    patch.json(200, demo());
    await patched;
  });

  it('deletes only what the caller has seen', async () => {
    const deleted = client.delete(POD, { uid: 'u', resourceVersion: '3', gracePeriodSeconds: 5 });
    const request = await server.take('DELETE', POD_PATH);
    expect(request.body).toEqual({
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 5,
      preconditions: { uid: 'u', resourceVersion: '3' },
    });
    request.json(200, { kind: 'Status', status: 'Success' });
    await deleted;
  });

  it('refuses a reference that would address something else', async () => {
    await expect(client.get({ type: PODS, name: 'demo' })).rejects.toThrow('Pod demo needs a namespace');
    await expect(client.delete({ ...POD, name: '' })).rejects.toThrow('a Pod without a name');
    await expect(client.get({ type: NODES, namespace: 'x', name: 'n' })).rejects.toThrow('Node has no namespace');
    expect(server.seen()).toEqual([]);
  });

  it('keeps calls on a bounded number of connections and reuses them', async () => {
    server.answer((exchange) => exchange.json(200, demo()));
    await Promise.all(Array.from({ length: 40 }, () => client.get(POD)));
    await client.get(POD);
    expect(server.accepted()).toBeLessThanOrEqual(8);
  });
});
