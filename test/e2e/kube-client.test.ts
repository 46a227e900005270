import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Pod } from '../../src/api/pod.ts';
import type { SandboxTemplate } from '../../src/api/sandbox-template.ts';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { KubeClient, ObjectRef, WatchEvent } from '../../src/kube/client.ts';
import { isKubeError } from '../../src/kube/errors.ts';
import { loadClusterAccess } from '../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { CONFIG_MAPS, EVENTS, LEASES, PODS, SANDBOX_TEMPLATES } from '../../src/kube/resource-types.ts';
import { makeEventRecorder } from '../../src/runtime/events.ts';
import { makeInformer } from '../../src/runtime/informer.ts';
import { makeLeaderElector } from '../../src/runtime/leader-elector.ts';
import { makeInbox } from '../support/inbox.ts';
import { makeRecordingLog } from '../support/recording-log.ts';

interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}

const NAMESPACE = 'default';
const RUN = `kube-client-${systemRandom.hex(4)}`;
const RUN_LABEL = { 'matrx.dev/test-run': RUN };
const SELECTION = { namespace: NAMESPACE, labelSelector: `matrx.dev/test-run=${RUN}` };

let client: KubeClient;
let made: ObjectRef[] = [];

beforeAll(() => {
  client = makeKubeClient({ access: loadClusterAccess(), userAgent: 'matrx-sandbox/test' });
});
afterEach(async () => {
  for (const ref of made) {
    await client.delete(ref, { gracePeriodSeconds: 0 }).catch((error: unknown) => {
      if (!isKubeError(error, 'NotFound')) throw error;
    });
  }
  made = [];
});
afterAll(() => client.close());

const refTo = (name: string, type = CONFIG_MAPS): ObjectRef => {
  const ref = { type, namespace: NAMESPACE, name: `${RUN}-${name}` };
  made.push(ref);
  return ref;
};
const configMap = (ref: ObjectRef, data: Readonly<Record<string, string>>): ConfigMap => ({
  metadata: { name: ref.name, namespace: NAMESPACE, labels: RUN_LABEL },
  data,
});
const create = (ref: ObjectRef, data: Readonly<Record<string, string>>): Promise<ConfigMap> =>
  client.create(CONFIG_MAPS, NAMESPACE, configMap(ref, data));

describe('the client and a real API server', () => {
  test('agree on optimistic locking', async () => {
    const ref = refTo('lock');
    const first = await create(ref, { n: '1' });
    await expect(create(ref, { n: '1' })).rejects.toMatchObject({ reason: 'AlreadyExists' });
    const second = await client.replace<ConfigMap>(ref, { ...first, data: { n: '2' } });
    expect(second.data).toEqual({ n: '2' });
    await expect(client.replace(ref, { ...first, data: { n: '3' } })).rejects.toMatchObject({ reason: 'Conflict' });
    const stale = { metadata: { resourceVersion: first.metadata.resourceVersion ?? '' }, data: { n: '4' } };
    await expect(client.mergePatch(ref, stale)).rejects.toMatchObject({ reason: 'Conflict' });
    const kept = await client.mergePatch<ConfigMap>(ref, { data: { n: null, m: '5' } });
    expect(kept.data).toEqual({ m: '5' });
  });

  test('agree on JSON patch: a failed test is Invalid, and nothing is written', async () => {
    const ref = refTo('patch');
    const before = await create(ref, { epoch: '7' });
    const write = (epoch: string) =>
      client.jsonPatch<ConfigMap>(ref, [
        { op: 'test', path: '/data/epoch', value: epoch },
        { op: 'add', path: '/data/head', value: 'mine' },
      ]);
    await expect(write('6')).rejects.toMatchObject({ reason: 'Invalid', code: 422 });
    expect(await client.get<ConfigMap>(ref)).toEqual(before);
    expect((await write('7')).data).toEqual({ epoch: '7', head: 'mine' });
    const absent = [{ op: 'test', path: '/data/nothing/below', value: 1 }] as const;
    await expect(client.jsonPatch(ref, absent)).rejects.toMatchObject({ reason: 'Invalid' });
  });

  test('agree on server-side apply and its ownership', async () => {
    const ref = refTo('apply');
    await client.apply(ref, configMap(ref, { a: '1', b: '1' }), { fieldManager: 'one' });
    const other = configMap(ref, { a: '2' });
    await expect(client.apply(ref, other, { fieldManager: 'two' })).rejects.toMatchObject({ reason: 'Conflict' });
    const forced = await client.apply<ConfigMap>(ref, other, { fieldManager: 'two', force: true });
    expect(forced.data).toEqual({ a: '2', b: '1' });
    const dropped = await client.apply<ConfigMap>(ref, configMap(ref, {}), { fieldManager: 'one' });
    expect(dropped.data).toEqual({ a: '2' });
  });

  test('agree on deleting only what was seen', async () => {
    const ref = refTo('delete');
    const object = await create(ref, {});
    await expect(client.delete(ref, { uid: 'another' })).rejects.toMatchObject({ reason: 'Conflict' });
    await client.delete(ref, { uid: object.metadata.uid ?? '' });
    await expect(client.get(ref)).rejects.toMatchObject({ reason: 'NotFound', code: 404 });
    await expect(client.delete(ref)).rejects.toMatchObject({ reason: 'NotFound' });
  });

  test('refuse bad input in the server’s own words', async () => {
    const bad = { metadata: { name: 'Not A Name' } };
    await expect(client.create(CONFIG_MAPS, NAMESPACE, bad)).rejects.toMatchObject({
      reason: 'Invalid',
      message: expect.stringContaining('metadata.name'),
    });
    const unknown = { ...CONFIG_MAPS, plural: 'nonsense' };
    await expect(client.list(unknown, {})).rejects.toMatchObject({ reason: 'NotFound' });
  });

  test('list in pages at one version', async () => {
    for (const name of ['p1', 'p2', 'p3']) await create(refTo(name), {});
    const first = await client.list<ConfigMap>(CONFIG_MAPS, { ...SELECTION, limit: 2 });
    expect(first.items.map(({ kind }) => kind)).toEqual(['ConfigMap', 'ConfigMap']);
    const token = first.continue ?? '';
    const second = await client.list<ConfigMap>(CONFIG_MAPS, { ...SELECTION, limit: 2, continue: token });
    expect(second).toMatchObject({ resourceVersion: first.resourceVersion });
    expect(second.items).toHaveLength(1);
    expect(second.continue).toBeUndefined();
  });

  test('watch: every change from a version on', async () => {
    const ref = refTo('watch');
    const { resourceVersion } = await client.list(CONFIG_MAPS, SELECTION);
    const created = await create(ref, { text: 'naïve 🚀' });
    await client.mergePatch(ref, { data: { text: 'changed' } });
    await client.delete(ref);
    const seen: WatchEvent<ConfigMap>[] = [];
    const query = { ...SELECTION, resourceVersion, timeoutSeconds: 30 };
    for await (const event of client.watch<ConfigMap>(CONFIG_MAPS, query, { idleTimeoutMs: 30_000 })) {
      if (event.kind !== 'bookmark') seen.push(event);
      if (event.kind === 'deleted') break;
    }
    expect(seen.map(({ kind }) => kind)).toEqual(['added', 'modified', 'deleted']);
    expect(seen[0]).toMatchObject({ object: { data: created.data } });
  });

  test('exec: exit code, both streams, stdin, limits and refusals', async () => {
    const ref = refTo('exec', PODS);
    const pod = await startPod(ref);
    const exec = (command: readonly string[], extra: { readonly stdin?: string; readonly timeoutMs?: number } = {}) =>
      client.exec(
        {
          namespace: NAMESPACE,
          pod,
          container: 'main',
          command,
          ...(extra.stdin !== undefined && { stdin: extra.stdin }),
        },
        { timeoutMs: extra.timeoutMs ?? 15_000, maxBytes: 1000 },
      );
    expect(await exec(['sh', '-c', 'echo out; echo err >&2; exit 3'])).toEqual({
      exitCode: 3,
      stdout: Buffer.from('out\n'),
      stderr: Buffer.from('err\n'),
      truncated: false,
    });
    expect(await exec(['cat'], { stdin: 'naïve 🚀' })).toMatchObject({ exitCode: 0, stdout: Buffer.from('naïve 🚀') });
    const long = await exec(['head', '-c', '3000000', '/dev/zero']);
    expect([long.exitCode, long.stdout.length, long.truncated]).toEqual([0, 1000, true]);
    await expect(exec(['no-such-program'])).rejects.toMatchObject({
      reason: 'ServerError',
      message: expect.stringContaining('no-such-program'),
    });
    await expect(exec(['sleep', '60'], { timeoutMs: 500 })).rejects.toMatchObject({ reason: 'Timeout' });
    const missing = { namespace: NAMESPACE, pod: `${RUN}-none`, container: 'main', command: ['true'] };
    await expect(client.exec(missing, { timeoutMs: 5000, maxBytes: 10 })).rejects.toMatchObject({ reason: 'NotFound' });
  }, 120_000);
});

/** A pod of the image that sandboxes have, without a home. Resolves with its name once it runs. */
const startPod = async (ref: ObjectRef): Promise<string> => {
  const template = await client.get<SandboxTemplate>({
    type: SANDBOX_TEMPLATES,
    namespace: 'sandboxes',
    name: 'default',
  });
  const { image, imagePullPolicy } = template.spec;
  const created = await client.create<Pod>(PODS, NAMESPACE, {
    metadata: { name: ref.name, labels: RUN_LABEL },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image, imagePullPolicy, command: ['sleep', '600'] }],
    },
  });
  const query = { ...SELECTION, resourceVersion: created.metadata.resourceVersion ?? '', timeoutSeconds: 90 };
  for await (const event of client.watch<Pod>(PODS, query, { idleTimeoutMs: 90_000 })) {
    if (event.kind === 'modified' && event.object.status?.phase === 'Running') return ref.name;
  }
  throw new Error(`pod ${ref.name} does not run after 90 s`);
};

describe('the runtime and a real API server', () => {
  const tools = { clock: systemClock, random: systemRandom, log: makeRecordingLog() };

  test('an informer is synced, follows, and knows its own writes', async () => {
    const before = await create(refTo('before'), { n: '1' });
    const changes = makeInbox<string>('change');
    const informer = makeInformer<ConfigMap>({ client, type: CONFIG_MAPS, selection: SELECTION, ...tools });
    informer.onChange(({ kind, object }, origin) => {
      changes.push(`${kind} ${object.metadata.name.slice(RUN.length + 1)} ${origin}`);
    });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    await informer.synced;
    expect(await changes.next()).toBe('added before initial');
    const { managedFields: _dropped, ...metadata } = before.metadata as typeof before.metadata & {
      readonly managedFields?: unknown;
    };
    expect(informer.store.get(`${NAMESPACE}/${before.metadata.name}`)).toEqual({ ...before, metadata });

    const ref = refTo('after');
    informer.put(await create(ref, { n: '1' }));
    expect(informer.store.get(`${NAMESPACE}/${ref.name}`)).toBeDefined();
    expect(await changes.next()).toMatch(/^added after (write|watch)$/);
    await client.mergePatch(ref, { data: { n: '2' } });
    expect(await changes.next()).toBe('updated after watch');
    await client.delete(ref);
    expect(await changes.next()).toBe('deleted after watch');
    stop.abort();
    await running;
  });

  test('leader election: one leader, handed over when it leaves', async () => {
    const ref = refTo('election', LEASES);
    const enter = (identity: string) =>
      makeLeaderElector({ client, namespace: NAMESPACE, name: ref.name, identity, onLost: () => undefined, ...tools });
    const [a, b] = [enter('a'), enter('b')];
    const stop = new AbortController();
    await a.acquire(stop.signal);
    const succession = b.acquire(stop.signal);
    expect([a.isLeader(), b.isLeader()]).toEqual([true, false]);
    await a.release();
    await succession;
    expect([a.isLeader(), b.isLeader()]).toEqual([false, true]);
    await b.release();
  });

  test('events are found the way kubectl describe looks for them', async () => {
    const object = await create(refTo('event'), {});
    const recorder = makeEventRecorder({
      client,
      reportingController: 'matrx.dev/test',
      reportingInstance: RUN,
      ...tools,
    });
    const event = { regarding: object, type: 'Normal', reason: 'Tested', action: 'Test', note: 'it works' } as const;
    recorder.record(event);
    recorder.record(event);
    await recorder.flush();
    const core = { ...EVENTS, group: '' };
    const { name, uid } = object.metadata;
    const fieldSelector = `involvedObject.kind=ConfigMap,involvedObject.name=${name},involvedObject.uid=${uid}`;
    const found = await client.list<KubeObject>(core, { namespace: NAMESPACE, fieldSelector });
    expect(found.items).toMatchObject([
      {
        reason: 'Tested',
        message: 'it works',
        action: 'Test',
        series: { count: 2 },
        reportingComponent: 'matrx.dev/test',
        reportingInstance: RUN,
      },
    ]);
  });
});
