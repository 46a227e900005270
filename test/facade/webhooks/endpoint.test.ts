import { describe, expect, it } from '@jest/globals';
import { parseEndpoints } from '../../../src/facade/webhooks/endpoint.ts';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const data = (entries: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [
      name,
      Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64'),
    ]),
  );

describe('the Secret matrx-webhooks', () => {
  it('has one endpoint an entry', () => {
    const { endpoints, faults } = parseEndpoints(
      data({
        billing: { url: 'https://b.example/x', secret: [SECRET, SECRET], events: ['sandbox.stopped'], users: ['ann'] },
        app: { url: 'https://a.example/', secret: SECRET, created_at: '2026-01-01T00:00:00Z' },
      }),
    );
    expect(faults).toEqual([]);
    expect(endpoints).toEqual([
      {
        name: 'app',
        url: new URL('https://a.example/'),
        keys: [Buffer.alloc(32, 1)],
        events: undefined,
        users: undefined,
        since: Date.UTC(2026, 0, 1),
      },
      expect.objectContaining({
        name: 'billing',
        events: new Set(['sandbox.stopped']),
        users: new Set(['ann']),
        since: 0,
      }),
    ]);
  });

  it.each([
    ['no JSON', '{', /^app: is no JSON$/],
    ['no url', { secret: SECRET }, /^app: url: /],
    ['a url of another kind', { url: 'file:///etc/passwd', secret: SECRET }, /^app: url: /],
    ['a short secret', { url: 'https://a.example/', secret: 'whsec_c2hvcnQ=' }, /^app: secret: takes whsec_/],
    ['an unknown event', { url: 'https://a.example/', secret: SECRET, events: ['sandbox.x'] }, /^app: events\.0: /],
    ['an unknown field', { url: 'https://a.example/', secret: SECRET, verify: false }, /verify/],
  ])('leaves out an entry with %s, says why, and keeps the others', (_what, entry, fault) => {
    const { endpoints, faults } = parseEndpoints(
      data({ app: entry, other: { url: 'https://o.example/', secret: SECRET } }),
    );
    expect(endpoints.map(({ name }) => name)).toEqual(['other']);
    expect(faults).toEqual([expect.stringMatching(fault)]);
    expect(faults.join('')).not.toContain('c2hvcnQ');
  });

  it('has names that fit into an annotation, and not more endpoints than can be served', () => {
    const entry = { url: 'https://a.example/', secret: SECRET };
    expect(parseEndpoints(data({ 'A.b': entry })).faults).toHaveLength(1);
    const many = Object.fromEntries(Array.from({ length: 18 }, (_, index) => [`e${index}`, entry]));
    const { endpoints, faults } = parseEndpoints(data(many));
    expect([endpoints.length, faults.length]).toEqual([16, 2]);
  });
});
