import { describe, expect, it } from '@jest/globals';
import { firstOf, nobody, staticKeyAuthenticator } from '../../../src/facade/authenticator.ts';
import type { KeyLimits } from '../../../src/facade/caller.ts';
import { SCOPES } from '../../../src/facade/caller.ts';
import { limitGuesses } from '../../../src/facade/limits/limit-guesses.ts';
import { makeRateLimiter } from '../../../src/facade/limits/rate-limiter.ts';
import { NO_PROXIES } from '../../../src/config/trusted-proxies.ts';
import { makeVirtualClock } from '../../support/virtual-clock.ts';
import { type Answer, API_KEY, startFacade, type TestFacade } from '../support/facade.ts';

const limitedTo =
  (limits: KeyLimits) =>
  ({ secret }: { readonly secret: string }) =>
    Promise.resolve({ kind: 'key', id: secret, users: undefined, scopes: new Set(SCOPES), limits } as const);

const times = async <T>(count: number, act: () => Promise<T>): Promise<readonly T[]> => {
  const results: T[] = [];
  for (let n = 0; n < count; n++) results.push(await act());
  return results;
};

describe('the requests of a key', () => {
  const start = () => startFacade({}, undefined, { authenticator: limitedTo({ rate: { perSecond: 1, burst: 3 } }) });
  const withKey = (facade: TestFacade, key: string, path = '/sandboxes') =>
    facade.request(path, { headers: { 'X-API-Key': key } });

  it('carry what is left, also where they fail', async () => {
    const facade = await start();
    const { headers } = await withKey(facade, 'a');
    expect(headers.get('ratelimit-policy')).toBe('"key";q=3;w=3');
    expect(headers.get('ratelimit')).toBe('"key";r=2;t=1');
    const missing = await withKey(facade, 'a', '/sandboxes/none');
    expect([missing.status, missing.headers.get('ratelimit')]).toEqual([404, '"key";r=1;t=2']);
  });

  it('are answered 429 beyond the limit, with when to come again, until it is time', async () => {
    const facade = await start();
    await times(3, () => withKey(facade, 'a'));
    const { status, headers, body } = await withKey(facade, 'a');
    expect(status).toBe(429);
    expect(headers.get('retry-after')).toBe('1');
    expect(headers.get('ratelimit')).toBe('"key";r=0;t=1');
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toEqual({
      type: 'tag:matrx.dev,2026:rate-limited',
      title: 'Too many requests',
      status: 429,
      detail: 'This API key has made too many requests: 1 a second on average and 3 at once are taken',
    });
    expect(facade.cluster.calls).toEqual([]);
    await facade.clock.advance(1000);
    expect((await withKey(facade, 'a')).status).toBe(200);
  });

  it('do not count against another key', async () => {
    const facade = await start();
    await times(4, () => withKey(facade, 'a'));
    expect((await withKey(facade, 'b')).status).toBe(200);
  });

  it('for exempt paths are never limited', async () => {
    const facade = await start();
    const answers = await times(9, () => withKey(facade, 'a', '/health'));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(answers[0]?.headers.get('ratelimit')).toBeNull();
    expect((await withKey(facade, 'a')).headers.get('ratelimit')).toBe('"key";r=2;t=1');
  });

  it('without a limit carry no headers of one', async () => {
    const facade = await startFacade();
    expect((await facade.request('/sandboxes')).headers.get('ratelimit-policy')).toBeNull();
  });
});

describe('guessing keys', () => {
  const start = (proxies = NO_PROXIES, strong?: string) => {
    const clock = makeVirtualClock();
    const limiter = makeRateLimiter(clock);
    const configured = limitGuesses(staticKeyAuthenticator(API_KEY), limiter);
    const chance = strong === undefined ? nobody : staticKeyAuthenticator(strong);
    return startFacade({ trustedProxies: proxies }, undefined, {
      clock,
      rateLimiter: limiter,
      authenticator: firstOf([chance, configured]),
    }).then((facade) => ({ facade, clock }));
  };
  const guess = (facade: TestFacade, key: string, from?: string): Promise<Answer> =>
    facade.request('/sandboxes', {
      headers: { 'X-API-Key': key, ...(from === undefined ? {} : { 'X-Forwarded-For': from }) },
    });

  it('is slow: after twenty wrong keys an address is refused unheard, and every two seconds heard once [A1.1]', async () => {
    const { facade, clock } = await start();
    const answers = await times(20, () => guess(facade, 'wrong'));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]));
    const refused = await guess(facade, 'wrong');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
    expect(refused.body).toMatchObject({
      type: 'tag:matrx.dev,2026:rate-limited',
      detail: expect.stringMatching(/wrong API key/),
    });
    // Otherwise whoever guesses would still hear when a guess is right.
    expect((await guess(facade, API_KEY)).status).toBe(429);
    await clock.advance(2000);
    expect((await guess(facade, 'wrong')).status).toBe(403);
    expect((await guess(facade, 'wrong')).status).toBe(429);
    await clock.advance(2000);
    expect((await guess(facade, API_KEY)).status).toBe(200);
  });

  it('locks out nobody whose key is of chance, though it comes from the same address', async () => {
    const { facade } = await start(NO_PROXIES, 'strong');
    await times(30, () => guess(facade, 'wrong'));
    expect((await guess(facade, 'strong')).status).toBe(200);
  });

  it('is counted by address, as far as the proxies are trusted', async () => {
    const { facade } = await start({ kind: 'count', count: 1 });
    await times(25, () => guess(facade, 'wrong', '9.9.9.9, 192.0.2.1'));
    expect((await guess(facade, 'wrong', '9.9.9.8, 192.0.2.1')).status).toBe(429);
    expect((await guess(facade, API_KEY, '9.9.9.9, 192.0.2.2')).status).toBe(200);
  });

  it('cannot be hidden behind a made-up address where no proxy is trusted', async () => {
    const { facade } = await start();
    let last: Answer | undefined;
    for (let n = 0; n < 21; n++) last = await guess(facade, 'wrong', `192.0.2.${n}`);
    expect(last?.status).toBe(429);
    expect(await facade.untilLogged(({ msg }) => msg === 'request')).toMatchObject({ client_ip: '127.0.0.1' });
  });

  it('is counted by /64 for IPv6, as that is what one has', async () => {
    const { facade } = await start({ kind: 'count', count: 1 });
    for (let n = 0; n < 20; n++) await guess(facade, 'wrong', `2001:db8::${n.toString(16)}`);
    expect((await guess(facade, 'wrong', '2001:db8:0:0:ffff::1')).status).toBe(429);
    expect((await guess(facade, 'wrong', '2001:db8:0:1::1')).status).toBe(403);
  });

  it('right keys are not counted', async () => {
    const { facade } = await start();
    const answers = await times(40, () => guess(facade, API_KEY));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });
});
