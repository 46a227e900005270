import { describe, expect, it } from '@jest/globals';
import { systemRandom } from '../../../src/base/random.ts';
import { formatApiKey, newKeyId, newKeySecret, parseApiKey } from '../../../src/facade/keys/api-key.ts';
import { keyAuthenticator } from '../../../src/facade/keys/key-authenticator.ts';
import type { KeyRecord } from '../../../src/facade/keys/key-record.ts';
import { makeVirtualClock } from '../../support/virtual-clock.ts';
import { aKeyRecord, entry, testKey } from '../support/key-records.ts';
import { makeTestKeyRing } from '../support/key-ring.ts';

const forever = new AbortController().signal;

/** A facade's view of a Secret with these entries, at 2026-01-01T00:00:00Z. */
const withKeys = (data: Readonly<Record<string, string>>) => {
  const { ring } = makeTestKeyRing(data);
  const clock = makeVirtualClock();
  const authenticate = keyAuthenticator(ring, clock);
  return { clock, ask: (secret: string) => authenticate({ secret, clientIp: '10.0.0.1' }, forever) };
};

describe('an API key', () => {
  it('consists of a prefix, an id and a secret, all of chance', () => {
    const key = { id: newKeyId(systemRandom), secret: newKeySecret(systemRandom) };
    const text = formatApiKey('mtx', key);
    expect(text).toMatch(/^mtx_[0-9a-f]{56}$/);
    expect(parseApiKey(text)).toEqual(key);
    // What the E2B SDKs check before they send anything.
    expect(formatApiKey('e2b', key)).toMatch(/^e2b_[0-9a-f]+$/);
    expect(parseApiKey(formatApiKey('e2b', key))).toEqual(key);
  });

  it.each([
    '',
    'mtx_',
    `mtx_${'0'.repeat(55)}`,
    `mtx_${'0'.repeat(57)}`,
    `mtx_${'G'.repeat(56)}`,
    `key_${'0'.repeat(56)}`,
  ])('is not %j', (text) => {
    expect(parseApiKey(text)).toBeUndefined();
  });

  it('is known by its id and its secret, whichever of its forms it has', async () => {
    const { ask } = withKeys({ ...entry(1), ...entry(2, { users: ['ann', 'bob'], scopes: ['exec'] }) });
    expect(await ask(testKey(1).text)).toMatchObject({ kind: 'key', id: testKey(1).id, users: undefined });
    const second = await ask(testKey(2, 'e2b').text);
    expect(second).toMatchObject({ kind: 'key', users: new Set(['ann', 'bob']), scopes: new Set(['exec']) });
  });

  it.each([
    ['an unknown id', testKey(7).text],
    ["another key's secret", formatApiKey('mtx', { id: testKey(1).id, secret: testKey(2).secret })],
    ['the hash in place of the secret', `mtx_${testKey(1).id}${aKeyRecord(1).hash.slice(0, 40)}`],
    ['something else altogether', 'the-key'],
  ])('with %s is nobody’s [A1.1]', async (_what, text) => {
    expect(await withKeys({ ...entry(1), ...entry(2) }).ask(text)).toBeUndefined();
  });

  it('that has expired is refused with the reason, and only to its holder', async () => {
    const { ask, clock } = withKeys(entry(1, { expiresAt: '2026-01-01T00:00:10Z' }));
    expect(await ask(testKey(1).text)).toMatchObject({ kind: 'key' });
    await clock.advance(10_000);
    await expect(ask(testKey(1).text)).rejects.toMatchObject({
      problem: {
        status: 403,
        type: 'tag:matrx.dev,2026:api-key-expired',
        detail: expect.stringMatching(/expired at 2026-01-01T00:00:10Z/),
      },
    });
    expect(await ask(`mtx_${testKey(1).id}${'0'.repeat(40)}`)).toBeUndefined();
  });

  it('that was rotated is taken with the old secret as well, until the overlap is over', async () => {
    const previous: KeyRecord['previous'] = { hash: aKeyRecord(1).hash, expiresAt: '2026-01-01T00:00:10Z' };
    const rotated = entry(1, { hash: aKeyRecord(2).hash, previous });
    const renewed = formatApiKey('mtx', { id: testKey(1).id, secret: testKey(2).secret });
    const { ask, clock } = withKeys(rotated);
    expect(await ask(testKey(1).text)).toMatchObject({ kind: 'key' });
    expect(await ask(renewed)).toMatchObject({ kind: 'key' });
    await clock.advance(10_000);
    await expect(ask(testKey(1).text)).rejects.toMatchObject({
      problem: { status: 403, detail: expect.stringMatching(/replaced by another/) },
    });
    expect(await ask(renewed)).toMatchObject({ kind: 'key' });
  });

  it('has the limits of its record; a rate without a burst allows a second’s worth at once', async () => {
    const { ask } = withKeys(entry(1, { limits: { requests_per_second: 2.5, concurrent_sandboxes: 3 } }));
    expect(await ask(testKey(1).text)).toMatchObject({
      limits: { rate: { perSecond: 2.5, burst: 3 }, concurrentSandboxes: 3 },
    });
  });
});
