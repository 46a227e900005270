import { z } from 'zod';
import type { Sandbox } from '../../../api/sandbox.ts';
import { maySee } from '../../caller.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { decodeCursor, encodeCursor, type Position } from '../../page-cursor.ts';
import { representSandbox, SandboxRepresentation } from '../../representation.ts';
import type { FacadeContext } from '../../request-state.ts';
import { route } from '../../route.ts';
import { comparePositions, isAskedFor, ListQuery, MAX_PAGE, positionOf } from './list-query.ts';

interface Entry {
  readonly sandbox: Sandbox;
  readonly position: Position;
}

/** All that the caller may see, the stopped ones too, newest first. */
export const listRoute = ({ cache }: Pick<FacadeDependencies, 'cache'>) =>
  route({
    method: 'GET',
    path: '/sandboxes',
    operationId: 'listSandboxes',
    tag: 'sandboxes',
    summary: 'All sandboxes, the stopped ones too, newest first',
    description: `Without \`limit\` all of them in one answer, up to ${MAX_PAGE}. With it, page by page: \`next_cursor\`, and a \`Link\` to the next page, until there is none.`,
    access: { kind: 'scope', scope: 'sandboxes:read' },
    query: ListQuery,
    responses: {
      200: {
        description: 'The sandboxes.',
        schema: z.object({
          sandboxes: z.array(SandboxRepresentation),
          total: z.int().min(0).describe('How many there are in all, on all pages.'),
          next_cursor: z.string().nullable().describe('Null on the last page.'),
        }),
        headers: { Link: { description: '`rel="next"`: the next page (RFC 8288); absent on the last one.' } },
      },
    },
    handle: (context, { query }) => {
      const { sort, limit = MAX_PAGE, cursor } = query;
      const inOrder = comparePositions(sort);
      const all = cache
        .list()
        .filter((sandbox) => maySee(context.state.caller, sandbox) && isAskedFor(sandbox, query))
        .map((sandbox): Entry => ({ sandbox, position: positionOf(sandbox, sort) }))
        .sort((a, b) => inOrder(a.position, b.position));
      const start = cursor === undefined ? 0 : firstAfter(all, decodeCursor(sort, cursor), inOrder);
      const page = all.slice(start, start + limit);
      const last = page.at(-1);
      const next = last === undefined || start + limit >= all.length ? null : encodeCursor(sort, last.position);
      if (next !== null) context.set('Link', `<${nextPage(context, next)}>; rel="next"`);
      context.body = {
        sandboxes: page.map(({ sandbox }) => representSandbox(sandbox, context.state.sshPort)),
        total: all.length,
        next_cursor: next,
      };
    },
  });

const firstAfter = (
  entries: readonly Entry[],
  end: Position,
  inOrder: (a: Position, b: Position) => number,
): number => {
  const index = entries.findIndex(({ position }) => inOrder(position, end) > 0);
  return index === -1 ? entries.length : index;
};

/** The same question, from there on. Relative, as this server may stand behind any name. */
const nextPage = ({ path, querystring }: FacadeContext, cursor: string): string => {
  const query = new URLSearchParams(querystring);
  query.set('cursor', cursor);
  return `${path}?${query.toString()}`;
};
