import { beforeEach, describe, expect, it } from '@jest/globals';
import type { TokenReview } from '../../src/api/token-review.ts';
import { firstOf, staticKeyAuthenticator } from '../../src/facade/authenticator.ts';
import { makeRateLimiter } from '../../src/facade/limits/rate-limiter.ts';
import { sandboxAuthenticator } from '../../src/facade/sandbox-authenticator.ts';
import { KubeError } from '../../src/kube/errors.ts';
import { aSandbox } from '../support/resources.ts';
import { makeVirtualClock } from '../support/virtual-clock.ts';
import { API_KEY, startFacade, type TestFacade } from './support/facade.ts';
import { podToken, reviewed } from './support/pod-token.ts';
import { ready } from './support/statuses.ts';

let facade: TestFacade;
let outage: unknown;

beforeEach(async () => {
  outage = undefined;
  const clock = makeVirtualClock();
  const rateLimiter = makeRateLimiter(clock);
  const kube = {
    create: async (_type: unknown, _namespace: unknown, review: TokenReview) => {
      if (outage !== undefined) throw outage;
      return reviewed(review);
    },
    get: () => Promise.reject(new KubeError('NotFound', 'there is none', { code: 404 })),
  } as unknown as Parameters<typeof sandboxAuthenticator>[0]['kube'];
  facade = await startFacade({}, undefined, {
    clock,
    rateLimiter,
    authenticator: firstOf([
      sandboxAuthenticator({
        kube,
        cache: { get: (name) => facade.cluster.get(name) },
        namespace: 'sandboxes',
        clock,
        rateLimiter,
      }),
      staticKeyAuthenticator(API_KEY),
    ]),
  });
  for (const name of ['demo', 'other']) {
    facade.cluster.add(
      aSandbox(name)
        .ofUser(`user-of-${name}`)
        .status(ready(name, { podUid: `pod-of-${name}` }))
        .build(),
    );
  }
});

const asDemo = { 'X-API-Key': null, Authorization: `Bearer ${podToken()}` };

describe('a sandbox, with nothing but the token of its pod', () => {
  it.each([
    ['a bearer token', asDemo],
    ["the API key's header", { 'X-API-Key': podToken() }],
  ])('reaches itself with authentication on, by %s [T6]', async (_what, headers) => {
    const { status, body } = await facade.request('/sandboxes/demo', { headers });
    expect([status, body]).toEqual([200, expect.objectContaining({ sandbox_id: 'demo' })]);
    expect(await facade.untilLogged(({ msg }) => msg === 'request')).toMatchObject({ caller: 'sandbox/demo' });
    expect(JSON.stringify(facade.logged())).not.toContain(podToken());
  });

  it('learns of no other, of the same user or not', async () => {
    facade.cluster.add(aSandbox('sister').ofUser('user-of-demo').status(ready('sister')).build());
    const answers = await Promise.all(
      ['other', 'sister', 'absent'].map((name) => facade.request(`/sandboxes/${name}`, { headers: asDemo })),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('that is forged is refused like any wrong key', async () => {
    const headers = { ...asDemo, Authorization: `Bearer ${podToken({ signature: 'forged' })}` };
    expect(await facade.request('/sandboxes/demo', { headers })).toMatchObject({
      status: 403,
      body: { detail: 'Invalid API key.' },
    });
  });

  it('is answered 503 while the API server does not answer, and those with a key as ever', async () => {
    outage = new KubeError('Unreachable', 'connection refused');
    const { status, headers } = await facade.request('/sandboxes/demo', { headers: asDemo });
    expect([status, headers.get('retry-after')]).toEqual([503, '5']);
    expect((await facade.request('/sandboxes/demo')).status).toBe(200);
  });

  it('is limited, so that it cannot drown the others', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 22; n++) statuses.push((await facade.request('/sandboxes/demo', { headers: asDemo })).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(20);
    expect(statuses.at(-1)).toBe(429);
    const other = { ...asDemo, Authorization: `Bearer ${podToken({ pod: 'other', podUid: 'pod-of-other' })}` };
    expect((await facade.request('/sandboxes/other', { headers: other })).status).toBe(200);
  });
});
