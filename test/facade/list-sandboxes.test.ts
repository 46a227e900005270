import { beforeEach, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { aSandbox, type SandboxBuilder } from '../support/resources.ts';
import { byName, keyCaller } from './support/callers.ts';
import { type RequestOptions, startFacade, type TestFacade } from './support/facade.ts';
import { notReady, ready, stopped } from './support/statuses.ts';

let facade: TestFacade;

beforeEach(async () => {
  facade = await startFacade();
});

interface More {
  readonly createdAt?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const built = (sandbox: SandboxBuilder, { createdAt, metadata }: More = {}): Sandbox => {
  const one = sandbox.build();
  return {
    ...one,
    metadata: {
      ...one.metadata,
      ...(createdAt === undefined ? {} : { creationTimestamp: createdAt }),
      ...(metadata === undefined ? {} : { annotations: { 'matrx.dev/metadata': JSON.stringify(metadata) } }),
    },
  };
};

interface List {
  readonly sandboxes: readonly { readonly sandbox_id: string }[];
  readonly total: number;
  readonly next_cursor: string | null;
}

const list = async (query: string, options?: RequestOptions): Promise<List> => {
  const { status, body } = await facade.request(`/sandboxes${query}`, options);
  expect({ status, body }).toMatchObject({ status: 200 });
  return body as List;
};
const names = async (query: string): Promise<readonly string[]> =>
  (await list(query)).sandboxes.map(({ sandbox_id }) => sandbox_id);

describe('the filters of GET /sandboxes', () => {
  beforeEach(() => {
    const { add } = facade.cluster;
    add(
      built(aSandbox('a').status(ready('a')), { createdAt: '2026-01-01T00:00:00Z', metadata: { team: 'x', n: '1' } }),
    );
    add(
      built(aSandbox('b').wanted('Stopped').status(stopped(true)), {
        createdAt: '2026-01-02T00:00:00Z',
        metadata: { team: 'x', n: '2' },
      }),
    );
    add(
      built(
        aSandbox('c')
          .ofUser('bob')
          .with({ templateRef: { name: 'gpu' } }),
        { createdAt: '2026-01-03T00:00:00Z' },
      ),
    );
  });

  it.each([
    ['?status=ready', ['a']],
    ['?status=ready,creating', ['c', 'a']],
    ['?status=ready&status=stopped', ['b', 'a']],
    ['?status=expired', []],
    ['?template=gpu', ['c']],
    ['?template=default&user_id=ann', ['b', 'a']],
    ['?metadata.team=x', ['b', 'a']],
    ['?metadata[team]=x&metadata[n]=1', ['a']],
    ['?metadata%5Bteam%5D=x&metadata.n=2', ['b']],
    ['?metadata[team]=y', []],
    ['?created_after=2026-01-02T00:00:00Z', ['c', 'b']],
    ['?created_before=2026-01-02T00:00:00Z', ['a']],
    ['?created_after=2026-01-01T01:00:00%2B01:00&created_before=2026-01-02T01:00:00%2B01:00', ['a']],
  ])('%s', async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  it.each([
    ['?status=asleep', ['query', 'status', 0]],
    ['?status=', ['query', 'status', 0]],
    ['?template=GPU', ['query', 'template']],
    ['?metadata=x', ['query', 'metadata']],
    ['?metadata[a%20b]=x', ['query', 'metadata', 'a b']],
    ['?created_after=yesterday', ['query', 'created_after']],
    ['?created_before=2026-01-02', ['query', 'created_before']],
    ['?sort=name', ['query', 'sort']],
    ['?limit=0', ['query', 'limit']],
    ['?limit=-1', ['query', 'limit']],
    ['?limit=1e3', ['query', 'limit']],
    ['?limit=5001', ['query', 'limit']],
    ['?cursor=abc', ['query', 'cursor']],
    [`?cursor=${Buffer.from('["user_id","x","y"]').toString('base64url')}`, ['query', 'cursor']],
  ])('answers 422 to %s', async (query, loc) => {
    expect(await facade.request(`/sandboxes${query}`)).toMatchObject({ status: 422, body: { detail: [{ loc }] } });
  });

  it('are never led astray by a name that JavaScript gives a meaning to', async () => {
    expect(await names('?metadata[constructor]=x')).toEqual([]);
    expect(await names('?metadata.__proto__=x')).toEqual(await names(''));
    expect(await names('?__proto__=x&toString=y')).toEqual(['c', 'b', 'a']);
  });
});

describe('the order of GET /sandboxes', () => {
  it('is by creation, expiry or user, either way, and by name where that is the same', async () => {
    const { add } = facade.cluster;
    add(built(aSandbox('a').ofUser('cleo').status({ expiresAt: '2026-02-02T00:00:00Z' })));
    add(built(aSandbox('b').ofUser('bob').status({ expiresAt: '2026-02-01T00:00:00Z' })));
    add(built(aSandbox('c').ofUser('ann'), { createdAt: '2025-12-31T00:00:00Z' }));
    expect(await names('?sort=created_at')).toEqual(['c', 'a', 'b']);
    expect(await names('?sort=-created_at')).toEqual(['a', 'b', 'c']);
    expect(await names('?sort=expires_at')).toEqual(['b', 'a', 'c']);
    expect(await names('?sort=-expires_at')).toEqual(['c', 'a', 'b']);
    expect(await names('?sort=user_id')).toEqual(['c', 'b', 'a']);
    expect(await names('?sort=-user_id')).toEqual(['a', 'b', 'c']);
  });
});

describe('the pages of GET /sandboxes', () => {
  const add = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const createdAt = `2026-01-01T00:00:${String(Math.floor(i / 3)).padStart(2, '0')}Z`;
      facade.cluster.add(built(aSandbox(`s${String(i).padStart(2, '0')}`), { createdAt }));
    }
  };

  it('follow one another by cursor and by Link, each entry once', async () => {
    add(10);
    const all = await names('');
    expect(all).toHaveLength(10);
    let next: string | null = '/sandboxes?limit=4';
    const seen: string[] = [];
    const lengths: number[] = [];
    while (next !== null) {
      const { body, headers } = await facade.request(next);
      const page = body as List;
      expect(page.total).toBe(10);
      lengths.push(page.sandboxes.length);
      seen.push(...page.sandboxes.map(({ sandbox_id }) => sandbox_id));
      const link = /^<(.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1] ?? null;
      expect(link === null).toBe(page.next_cursor === null);
      if (link !== null) expect(new URL(link, facade.url).searchParams.get('cursor')).toBe(page.next_cursor);
      next = link;
    }
    expect(seen).toEqual(all);
    expect(lengths).toEqual([4, 4, 2]);
  });

  it('have no page after the last one, also where that is full', async () => {
    add(4);
    expect((await list('?limit=4')).next_cursor).toBeNull();
    expect((await list('?limit=3')).next_cursor).not.toBeNull();
    expect(await list('')).toMatchObject({ total: 4, next_cursor: null });
  });

  it('stand still while sandboxes come and go', async () => {
    add(9);
    const all = await names('');
    const first = await list('?limit=3');
    facade.cluster.remove(all[2] ?? '');
    facade.cluster.add(built(aSandbox('newer'), { createdAt: '2026-02-01T00:00:00Z' }));
    const second = await list(`?limit=3&cursor=${first.next_cursor}`);
    expect(second.sandboxes.map(({ sandbox_id }) => sandbox_id)).toEqual(all.slice(3, 6));
  });

  it('keep the filter in the Link', async () => {
    add(4);
    const { headers } = await facade.request('/sandboxes?user_id=ann&limit=2');
    expect(headers.get('link')).toContain('user_id=ann&limit=2&cursor=');
  });

  it('hold what any pages of any order hold together: all of it, once', async () => {
    add(25);
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.constantFrom('created_at', '-created_at', 'user_id', '-user_id', 'expires_at', '-expires_at'),
        async (limit, sort) => {
          const seen: string[] = [];
          let cursor: string | null = '';
          while (cursor !== null) {
            const more: string = cursor === '' ? '' : `&cursor=${cursor}`;
            const page = await list(`?limit=${limit}&sort=${sort}${more}`);
            seen.push(...page.sandboxes.map(({ sandbox_id }) => sandbox_id));
            cursor = page.next_cursor;
          }
          expect(seen).toEqual(await names(`?sort=${sort}`));
        },
      ),
      { numRuns: 30 },
    );
  });
});

it('a key lists the sandboxes of its own users, and counts no others [A1.7]', async () => {
  facade = await startFacade({}, undefined, { authenticator: byName({ k: keyCaller('k', ['ann']) }) });
  facade.cluster.add(aSandbox('a').ofUser('ann').status(notReady('CreatingPod')).build());
  facade.cluster.add(aSandbox('b').ofUser('bob').status(notReady('CreatingPod')).build());
  const { sandboxes, total } = await list('', { headers: { 'X-API-Key': 'k' } });
  expect(sandboxes.map(({ sandbox_id }) => sandbox_id)).toEqual(['a']);
  expect(total).toBe(1);
  expect(await list('?user_id=bob', { headers: { 'X-API-Key': 'k' } })).toMatchObject({ sandboxes: [], total: 0 });
});
