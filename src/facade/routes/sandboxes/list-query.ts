import { z } from 'zod';
import { ObjectName } from '../../../api/pod-settings.ts';
import type { Sandbox } from '../../../api/sandbox.ts';
import { UserId } from '../../../api/user-id.ts';
import { time, wholeNumber } from '../../query-parameters.ts';
import { hasMetadata, Metadata } from '../../sandbox-metadata.ts';
import { SANDBOX_STATES } from '../../../api/sandbox-life.ts';
import { sandboxState } from '../../sandbox-status.ts';
import type { Position } from '../../page-cursor.ts';

/** Without a `limit` a list has so many entries at most; the original had no pages. */
export const MAX_PAGE = 5000;

const SORTS = ['-created_at', 'created_at', '-expires_at', 'expires_at', '-user_id', 'user_id'] as const;
export type Sort = (typeof SORTS)[number];

export const ListQuery = z.object({
  user_id: UserId.optional(),
  status: z
    .array(z.enum(SANDBOX_STATES))
    .optional()
    .describe('One or several: `status=ready&status=running`, or with commas.'),
  template: ObjectName.optional(),
  metadata: Metadata.optional().describe(
    'Those that have each of these entries: `metadata[team]=a`, or `metadata.team=a`.',
  ),
  created_after: time.optional().describe('Created then or later.'),
  created_before: time.optional().describe('Created earlier than that.'),
  sort: z
    .enum(SORTS)
    .default('-created_at')
    .describe('`-` is descending. Those without a value come last, or first with `-`.'),
  limit: wholeNumber(1, MAX_PAGE).optional().describe(`The length of a page; ${MAX_PAGE} unless given.`),
  cursor: z
    .string()
    .max(2048)
    .regex(/^[A-Za-z0-9_-]+$/)
    .optional()
    .describe('Where the page begins: `next_cursor` of the page before.'),
});
export type ListQuery = z.infer<typeof ListQuery>;

export const isAskedFor = (sandbox: Sandbox, query: ListQuery): boolean => {
  const { spec, metadata } = sandbox;
  const createdAt = Date.parse(metadata.creationTimestamp ?? '');
  return (
    (query.user_id === undefined || spec.userId === query.user_id) &&
    (query.template === undefined || (spec.templateRef?.name ?? 'default') === query.template) &&
    (query.created_after === undefined || createdAt >= query.created_after) &&
    (query.created_before === undefined || createdAt < query.created_before) &&
    (query.metadata === undefined || hasMetadata(sandbox, query.metadata)) &&
    (query.status === undefined || query.status.includes(sandboxState(sandbox)))
  );
};

/** After every text that a sort key is. */
const LAST = '\u{10ffff}';

const KEYS: Readonly<Record<string, (sandbox: Sandbox) => string>> = {
  created_at: ({ metadata }) => metadata.creationTimestamp ?? LAST,
  expires_at: ({ status }) => status?.expiresAt ?? LAST,
  user_id: ({ spec }) => spec.userId,
};

export const positionOf = (sandbox: Sandbox, sort: Sort): Position => ({
  key: KEYS[sort.replace(/^-/, '')]?.(sandbox) ?? '',
  name: sandbox.metadata.name,
});

/** Kubernetes' times have whole seconds, so names make the order of one second the same every time. */
export const comparePositions =
  (sort: Sort) =>
  (a: Position, b: Position): number =>
    (sort.startsWith('-') ? compare(b.key, a.key) : compare(a.key, b.key)) || compare(a.name, b.name);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
