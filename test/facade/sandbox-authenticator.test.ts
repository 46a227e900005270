import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { TokenReview } from '../../src/api/token-review.ts';
import type { Authenticator } from '../../src/facade/authenticator.ts';
import { makeRateLimiter } from '../../src/facade/limits/rate-limiter.ts';
import { sandboxAuthenticator } from '../../src/facade/sandbox-authenticator.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { makeVirtualClock, type VirtualClock } from '../support/virtual-clock.ts';
import { podToken, reviewed } from './support/pod-token.ts';

const forever = new AbortController().signal;

let clock: VirtualClock;
let cached: Map<string, Sandbox>;
let stored: Map<string, Sandbox>;
let reviews: number;
let lookUps: number;
let outage: unknown;
let authenticate: Authenticator;

const ofPod = (name: string, podUid: string | undefined): Sandbox =>
  aSandbox(name)
    .status(podUid === undefined ? {} : { podName: name, podUid })
    .build();

beforeEach(() => {
  clock = makeVirtualClock();
  cached = new Map([['demo', ofPod('demo', 'pod-of-demo')]]);
  stored = new Map();
  reviews = 0;
  lookUps = 0;
  outage = undefined;
  const kube = {
    create: async (_type: unknown, _namespace: unknown, review: TokenReview) => {
      reviews++;
      if (outage !== undefined) throw outage;
      return reviewed(review);
    },
    get: async ({ name }: { readonly name: string }) => {
      lookUps++;
      if (outage !== undefined) throw outage;
      const found = stored.get(name);
      if (found === undefined) throw new KubeError('NotFound', 'there is none', { code: 404 });
      return found;
    },
  };
  authenticate = sandboxAuthenticator({
    kube: kube as unknown as Parameters<typeof sandboxAuthenticator>[0]['kube'],
    cache: { get: (name) => cached.get(name) },
    namespace: 'sandboxes',
    clock,
    rateLimiter: makeRateLimiter(clock),
  });
});

const ask = (secret: string, clientIp = '10.0.0.1') => authenticate({ secret, clientIp }, forever);
const DEMO = { kind: 'sandbox', sandbox: 'demo', podUid: 'pod-of-demo' };

describe("a sandbox's own token", () => {
  it('proves which sandbox asks [T6]', async () => {
    expect(await ask(podToken())).toEqual(DEMO);
  });

  it.each([
    ['is for another server', podToken({ audience: 'https://kubernetes.default.svc' })],
    ['is for the node driver', podToken({ audience: 'workspace.matrx.dev' })],
    ['is of a pod in another namespace', podToken({ namespace: 'default' })],
    ['has expired', podToken({ exp: Date.UTC(2025, 11, 31) / 1000 })],
    ['is too long', podToken({ signature: 'x'.repeat(9000) })],
    ['is of a pod that no Sandbox has', podToken({ pod: 'other', podUid: 'pod-of-other' })],
    ['is of an older pod of the Sandbox', podToken({ podUid: 'an-older-pod' })],
    ['is of a pod whose name no Sandbox can have', podToken({ pod: '../x' })],
    ['is none', 'a.b.c'],
    ['is half of one', podToken().split('.').slice(0, 2).join('.')],
    ['is an API key', 'the-key'],
  ])('is nobody’s where it %s, and the API server is not even asked', async (_what, token) => {
    expect(await ask(token)).toBeUndefined();
    expect(reviews).toBe(0);
  });

  it('is nobody’s where the API server does not accept it, whatever it claims', async () => {
    expect(await ask(podToken({ signature: 'forged' }))).toBeUndefined();
    expect(reviews).toBe(1);
  });

  it('is taken where the cache does not know the pod yet, and the API server does', async () => {
    cached.set('demo', ofPod('demo', undefined));
    stored.set('demo', ofPod('demo', 'pod-of-demo'));
    expect(await ask(podToken())).toEqual(DEMO);
  });

  it('is asked about once a minute, and by whom else comes meanwhile', async () => {
    const [first, second] = await Promise.all([ask(podToken()), ask(podToken())]);
    expect([first, second]).toEqual([DEMO, DEMO]);
    await clock.advance(59_999);
    expect(await ask(podToken())).toEqual(DEMO);
    expect(reviews).toBe(1);
    await clock.advance(1);
    expect(await ask(podToken())).toEqual(DEMO);
    expect(reviews).toBe(2);
  });

  it('is refused the moment its pod is not the Sandbox’s any more, though the answer is still kept', async () => {
    expect(await ask(podToken())).toEqual(DEMO);
    cached.set('demo', ofPod('demo', 'the-next-pod'));
    stored.set('demo', ofPod('demo', 'the-next-pod'));
    expect(await ask(podToken())).toBeUndefined();
    expect(reviews).toBe(1);
  });

  it('does not count longer than the token itself', async () => {
    const token = podToken({ exp: clock.now() / 1000 + 30 });
    expect(await ask(token)).toEqual(DEMO);
    await clock.advance(30_000);
    expect(await ask(token)).toBeUndefined();
  });

  it.each(['Unreachable', 'Timeout', 'ServerError', 'Forbidden'] as const)(
    'answers 503 while the API server answers %s, and is asked again after that',
    async (reason) => {
      outage = new KubeError(reason, 'no');
      await expect(ask(podToken())).rejects.toMatchObject({
        problem: { status: 503, type: 'tag:matrx.dev,2026:cluster-unavailable' },
        headers: { 'Retry-After': '5' },
      });
      outage = undefined;
      expect(await ask(podToken())).toEqual(DEMO);
    },
  );

  it('in an outage, what was asked before still counts, and nobody else waits', async () => {
    expect(await ask(podToken())).toEqual(DEMO);
    outage = new KubeError('Unreachable', 'no');
    expect(await ask(podToken())).toEqual(DEMO);
    expect(await ask('the-key')).toBeUndefined();
  });
});

describe('a sandbox that sends one forged token after the other', () => {
  const forge = (n: number, claims: Parameters<typeof podToken>[0] = {}) =>
    podToken({ signature: `forged ${n}`, ...claims });

  it('has the API server asked ten times, then every two seconds, and harms no other sandbox', async () => {
    cached.set('other', ofPod('other', 'pod-of-other'));
    for (let n = 0; n < 10; n++) expect(await ask(forge(n))).toBeUndefined();
    await expect(ask(forge(10))).rejects.toMatchObject({ problem: { status: 429 } });
    expect(reviews).toBe(10);
    expect(await ask(podToken({ pod: 'other', podUid: 'pod-of-other' }))).toMatchObject({ sandbox: 'other' });
    await clock.advance(2000);
    expect(await ask(forge(11))).toBeUndefined();
  });

  it('of ever new pods is looked up ten times, then every two seconds, by address', async () => {
    for (let n = 0; n < 40; n++)
      expect(await ask(forge(n, { pod: `made-up-${n}`, podUid: `uid-${n}` }))).toBeUndefined();
    expect([lookUps, reviews]).toEqual([10, 0]);
    expect(await ask(podToken())).toEqual(DEMO);
    expect(await ask(forge(1, { pod: 'made-up', podUid: 'u' }), '10.0.0.2')).toBeUndefined();
    expect(lookUps).toBe(11);
  });
});
