import { z } from 'zod';
import type { Sandbox } from '../../../api/sandbox.ts';
import { UserId } from '../../../api/user-id.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { parseInput } from '../../input-error.ts';
import { queryOf } from '../../query.ts';
import { representSandbox } from '../../representation.ts';
import type { FacadeMiddleware } from '../../request-state.ts';

const ListQuery = z.object({ user_id: UserId.optional() });

/** `GET /sandboxes?user_id=`: all of them, the stopped ones too, newest first. */
export const listRoute =
  ({ cache }: Pick<FacadeDependencies, 'cache'>): FacadeMiddleware =>
  (context) => {
    const { user_id: userId } = parseInput(ListQuery, 'query', queryOf(context));
    const sandboxes = cache
      .list()
      .filter(({ spec }) => userId === undefined || spec.userId === userId)
      .sort(newestFirst)
      .map(representSandbox);
    context.body = { sandboxes, total: sandboxes.length };
  };

/** Kubernetes' times have whole seconds, so names make the order of one second the same every time. */
const newestFirst = (a: Sandbox, b: Sandbox): number =>
  compare(b.metadata.creationTimestamp ?? '', a.metadata.creationTimestamp ?? '') ||
  compare(a.metadata.name, b.metadata.name);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
