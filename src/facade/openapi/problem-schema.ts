import { z } from 'zod';
import { PROBLEM_KINDS, type ProblemKind, problemStatus, problemTitle, problemType } from '../problem.ts';
import type { MediaType, Response } from './openapi-types.ts';
import type { Schemas } from './schemas.ts';

const InputErrorSchema = z
  .object({
    type: z.string().describe('The kind of fault, a closed set: `missing`, `extra_forbidden`, `string_type`, …'),
    loc: z.array(z.union([z.string(), z.int()])).describe('Where: `["body", "env", 0, "name"]`.'),
    msg: z.string(),
    input: z.unknown().describe('What was sent there, if it is not too long.'),
  })
  .describe('One wrong input.')
  .meta({ id: 'InputError' });

export const ProblemSchema = z
  .looseObject({
    type: z
      .enum(PROBLEM_KINDS.map(problemType) as [string, ...string[]])
      .describe('What kind of problem it is: a closed set, good to decide by.'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z
      .union([z.string(), z.array(InputErrorSchema)])
      .describe('A sentence; where inputs are wrong, a list of them.'),
    sandbox_id: z.string().optional().describe('The sandbox that it is about, where there is one.'),
  })
  .describe('Problem details (RFC 9457).')
  .meta({ id: 'Problem' });

/** By status, what a route's problems are answered with. */
export const problemResponses = (
  kinds: readonly ProblemKind[],
  schemas: Schemas,
): Readonly<Record<string, Response>> => {
  const problem = schemas.output(ProblemSchema);
  const byStatus = Map.groupBy(new Set(kinds), problemStatus);
  const response = (status: number, ofStatus: readonly ProblemKind[]): Response => ({
    description: ofStatus.map((kind) => `\`${kind}\`: ${problemTitle(kind)}.`).join(' '),
    headers: { ...REQUEST_ID, ...HEADERS[status] },
    content: { 'application/problem+json': narrowed(problem, ofStatus) },
  });
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, ofStatus]) => [String(status), response(status, ofStatus)]),
  );
};

const narrowed = (problem: Readonly<Record<string, unknown>>, kinds: readonly ProblemKind[]): MediaType => ({
  schema: { ...problem, properties: { type: { enum: kinds.map(problemType) } } },
});

const REQUEST_ID = { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } };
const RETRY_AFTER = { 'Retry-After': { $ref: '#/components/headers/RetryAfter' } };
const HEADERS: Readonly<Record<number, Response['headers']>> = {
  401: { 'WWW-Authenticate': { $ref: '#/components/headers/WwwAuthenticate' } },
  429: {
    ...RETRY_AFTER,
    RateLimit: { $ref: '#/components/headers/RateLimit' },
    'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
  },
  503: RETRY_AFTER,
};
