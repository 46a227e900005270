import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { facadeAuthentication } from '../../../src/commands/facade-authentication.ts';
import type { Authenticator } from '../../../src/facade/authenticator.ts';
import { makeRateLimiter } from '../../../src/facade/limits/rate-limiter.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { directAccess } from '../../../src/kube/cluster-access.ts';
import { makeKubeClient } from '../../../src/kube/make-kube-client.ts';
import { informersPart } from '../../../src/runtime/parts.ts';
import { eventually } from '../../support/eventually.ts';
import { type SecretModel, startSecretModel } from '../../support/kube-server/secret-model.ts';
import { makeRecordingLog } from '../../support/recording-log.ts';
import { makeRecordingMetrics } from '../../support/recording-metrics.ts';
import { makeSeededRandom } from '../../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { aKeyRecord, base64, entry, testKey } from '../support/key-records.ts';

let model: SecretModel;
let kube: KubeClient;
let clock: VirtualClock;
let log: ReturnType<typeof makeRecordingLog>;
let registry: Registry;
let part: ReturnType<typeof informersPart>;
let authenticate: Authenticator;

beforeEach(async () => {
  model = await startSecretModel();
  clock = makeVirtualClock();
  log = makeRecordingLog();
  registry = new Registry();
  kube = makeKubeClient({ access: directAccess(model.server.url), clock });
});

const start = async (apiKey?: string): Promise<void> => {
  const made = facadeAuthentication({
    config: { namespace: 'sandboxes', systemNamespace: 'matrx-system', authentication: 'required', apiKey },
    kube,
    cache: { get: () => undefined },
    rateLimiter: makeRateLimiter(clock),
    clock,
    random: makeSeededRandom(3),
    log: log as unknown as Parameters<typeof facadeAuthentication>[0]['log'],
    metrics: makeRecordingMetrics(),
    registry,
  });
  if (made.authenticator === undefined) throw new Error('authentication is off');
  authenticate = made.authenticator;
  part = informersPart(made.informers);
  await part.start({ signal: new AbortController().signal, fail: () => undefined });
};

afterEach(async () => {
  await part.stop();
  await kube.close();
  await model.close();
  expect(clock.sleepers()).toBe(0);
});

const ask = (n: number) =>
  authenticate({ secret: testKey(n).text, clientIp: '10.0.0.1' }, new AbortController().signal);
const reads = (): number => log.lines.filter(({ message }) => message === 'API keys were read').length;

/** Does something to the Secret, and waits until the facade has read it. */
const after = async (act: () => void): Promise<void> => {
  const before = reads();
  act();
  await eventually(() => reads() > before);
};

describe('the keys of a running facade', () => {
  it('come and go with the Secret, without a restart', async () => {
    await start();
    expect(await ask(1)).toBeUndefined();
    await after(() => model.edit(entry(1)));
    expect(await ask(1)).toMatchObject({ kind: 'key', id: testKey(1).id });
    await after(() => model.edit(entry(2)));
    expect(await ask(2)).toMatchObject({ kind: 'key' });
    await after(() => model.edit({ [testKey(1).id]: undefined }));
    expect(await ask(1)).toBeUndefined();
    expect(await ask(2)).toMatchObject({ kind: 'key' });
    await after(() => model.remove());
    expect(await ask(2)).toBeUndefined();
  });

  it('stay as they were while the API server is away, and are read anew when it is back', async () => {
    model.edit(entry(1));
    await start();
    model.away();
    await clock.waitForSleepers(1);
    expect(await ask(1)).toMatchObject({ kind: 'key' });
    model.edit({ ...entry(2), [testKey(1).id]: undefined });
    expect(await ask(1)).toMatchObject({ kind: 'key' });
    model.back();
    await after(() => void clock.advance(60_000));
    expect(await ask(1)).toBeUndefined();
    expect(await ask(2)).toMatchObject({ kind: 'key' });
  });

  it('that are malformed are named in the log and the metrics, and only they are refused', async () => {
    model.edit({ ...entry(1), [testKey(2).id]: base64('nonsense'), [testKey(3).text]: base64('x') });
    await start();
    expect(await ask(1)).toMatchObject({ kind: 'key' });
    expect(await ask(2)).toBeUndefined();
    const warnings = log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);
    expect(warnings).toEqual([
      `the entry ${testKey(2).id} of the Secret matrx-api-keys is no API key and is refused: it is not JSON`,
      // The whole of a key as a name: its secret part is not logged.
      `the entry mtx_${testKey(3).id}… of the Secret matrx-api-keys is no API key and is refused: its name is no id of a key (16 hex digits)`,
    ]);
    const metrics = await registry.metrics();
    expect(metrics).toContain('facade_api_keys{state="valid"} 1');
    expect(metrics).toContain('facade_api_keys{state="malformed"} 2');
    expect(metrics).toContain(`facade_api_key_malformed{entry="${testKey(2).id}"} 1`);
    expect(metrics).not.toContain(testKey(3).secret);
    await after(() => model.edit({ [testKey(2).id]: undefined, [testKey(3).text]: undefined }));
    expect(await registry.metrics()).not.toContain('facade_api_key_malformed{');
  });

  it('that have expired are counted apart', async () => {
    model.edit({ ...entry(1), ...entry(2, { expiresAt: '2025-12-31T00:00:00Z' }) });
    await start();
    expect(await registry.metrics()).toContain('facade_api_keys{state="expired"} 1');
  });

  it('that are none are told of loudly, with what to do', async () => {
    await start();
    await eventually(() => log.lines.some(({ message }) => /there is no API key.*`matrx key create/.test(message)));
  });

  it('that are none are fine where a key is configured', async () => {
    await start('the-key');
    await after(() => model.edit(entry(1)));
    expect(log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
    const signal = new AbortController().signal;
    expect(await authenticate({ secret: 'the-key', clientIp: '10.0.0.1' }, signal)).toMatchObject({ id: 'configured' });
  });
});

describe('what a key has under way', () => {
  const endedOf = async (n: number): Promise<AbortSignal> => {
    const caller = await ask(n);
    if (caller?.kind !== 'key' || caller.ended === undefined) throw new Error('no key');
    return caller.ended;
  };

  it('ends when the key is revoked', async () => {
    model.edit(entry(1));
    await start();
    const ended = await endedOf(1);
    await after(() => model.edit({ [testKey(1).id]: undefined }));
    expect(ended.reason).toMatchObject({ problem: { status: 403, detail: expect.stringMatching(/revoked/) } });
  });

  it.each([
    ['another secret', entry(1, { hash: 'f'.repeat(64) })],
    ['fewer users', entry(1, { users: ['ann'] })],
    ['fewer scopes', entry(1, { scopes: ['exec'] })],
    ['a record that is malformed', { [testKey(1).id]: base64('nonsense') }],
  ])('ends when the key gets %s', async (_what, changed) => {
    model.edit(entry(1));
    await start();
    const ended = await endedOf(1);
    await after(() => model.edit(changed));
    expect(ended.aborted).toBe(true);
  });

  it.each([
    ['other limits', entry(1, { limits: { requests_per_second: 1 }, users: ['ann'] })],
    ['another name and more users', entry(1, { name: 'other', users: '*' })],
    [
      'another secret, and the old one is still taken',
      entry(1, {
        users: ['ann'],
        hash: 'f'.repeat(64),
        previous: { hash: aKeyRecord(1).hash, expiresAt: '2027-01-01T00:00:00Z' },
      }),
    ],
  ])('goes on when the key gets %s', async (_what, changed) => {
    model.edit(entry(1, { users: ['ann'] }));
    await start();
    const ended = await endedOf(1);
    await after(() => model.edit(changed));
    expect(ended.aborted).toBe(false);
    await after(() => model.edit({ [testKey(1).id]: undefined }));
    expect(ended.aborted).toBe(true);
  });
});
