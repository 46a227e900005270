import { beforeEach, describe, expect, it } from '@jest/globals';
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { aSandbox } from '../../support/resources.ts';
import { startFacade, type TestFacade } from '../support/facade.ts';
import { refusalOf } from '../support/socket.ts';

const HOST = '3000-demo.preview.example.com';
/** Who is let in hears that the sandbox does not run. */
const LET_IN = 400;

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade({ previewDomain: 'preview.example.com', trustedProxies: { kind: 'count', count: 1 } });
  for (const name of ['demo', 'other']) facade.cluster.add(aSandbox(name).build());
});

const times = async <T>(count: number, act: () => Promise<T>): Promise<readonly T[]> => {
  const results: T[] = [];
  for (let n = 0; n < count; n++) results.push(await act());
  return results;
};
const ask = (sandbox: string) =>
  facade.request(`/sandboxes/${sandbox}/tickets`, { body: { scope: 'port', port: 3000, seconds: 3600 } });
const issue = async (sandbox = 'demo'): Promise<string> => ((await ask(sandbox)).body as { ticket: string }).ticket;
const withTicket = (ticket: string, from = '192.0.2.1') =>
  facade.request(`/sandboxes/demo/ports/3000/x?ticket=${ticket}`, {
    headers: { 'X-API-Key': null, 'X-Forwarded-For': from },
  });
/** Not by fetch, which lets nobody set Host or Cookie. */
const preview = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> =>
  new Promise((resolve, reject) => {
    httpRequest(
      `${facade.url}${path}`,
      { headers: { host: HOST, 'X-Forwarded-For': '192.0.2.1', ...headers } },
      (answer) => {
        text(answer).then(() => resolve(answer.statusCode ?? 0), reject);
      },
    )
      .on('error', reject)
      .end();
  });

describe('tickets were given out and tried without a limit; now', () => {
  it('a sandbox gives so many, and others give theirs', async () => {
    const answers = await times(60, () => ask('demo'));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const refused = await ask('demo');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1']);
    expect(refused.body).toMatchObject({ type: 'tag:matrx.dev,2026:rate-limited' });
    expect((await ask('other')).status).toBe(201);
    await facade.clock.advance(1000);
    expect((await ask('demo')).status).toBe(201);
  });

  it('wrong ones are answered 429 after twenty from an address, and right ones from there are taken', async () => {
    const ticket = await issue();
    const answers = await times(20, () => withTicket('wrong'));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]));
    const refused = await withTicket('wrong');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2']);
    expect(refused.body).toMatchObject({ detail: expect.stringMatching(/wrong ticket/) });
    expect((await withTicket('wrong', '192.0.2.2')).status).toBe(403);
    expect((await withTicket(ticket)).status).toBe(LET_IN);
    await facade.clock.advance(2000);
    expect((await withTicket('wrong')).status).toBe(403);
  });

  it('wrong ones of previews, in the address and in the cookie, and of WebSockets count as well', async () => {
    expect(await preview('/')).toBe(401);
    const cookie = { cookie: '__Host-matrx-preview=wrong' };
    expect(new Set(await times(10, () => preview('/?ticket=wrong')))).toEqual(new Set([403]));
    expect(new Set(await times(9, () => preview('/', cookie)))).toEqual(new Set([403]));
    const headers = { 'X-Forwarded-For': '192.0.2.1' };
    const upgrade = () => refusalOf(facade.url, '/sandboxes/demo/terminal?ticket=wrong', { headers });
    expect((await upgrade()).status).toBe(403);
    expect((await upgrade()).status).toBe(429);
    expect([await preview('/', cookie), await preview('/?ticket=wrong'), await preview('/')]).toEqual([429, 429, 401]);
    expect((await withTicket('wrong')).status).toBe(429);
  });

  it('who has one may ask so much with it, whoever else has the same', async () => {
    const ticket = await issue();
    const { headers } = await withTicket(ticket);
    expect(headers.get('ratelimit-policy')).toBe('"ticket";q=3000;w=30');
    await times(2999, () =>
      Promise.resolve(
        facade.dependencies.rateLimiter.take('ticket/port:3000/uid-of-demo/192.0.2.1', {
          name: 'ticket',
          perSecond: 100,
          burst: 3000,
        }),
      ),
    );
    const refused = await withTicket(ticket);
    expect([refused.status, refused.body]).toMatchObject([
      429,
      { detail: expect.stringMatching(/^This address, with its ticket,/) },
    ]);
    expect(await preview('/', { cookie: `__Host-matrx-preview=${ticket}` })).toBe(429);
    expect((await withTicket(ticket, '192.0.2.2')).status).toBe(LET_IN);
  });
});
