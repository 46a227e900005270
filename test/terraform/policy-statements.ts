import { z } from 'zod';
import type { Block } from './read-module.ts';

const texts = z.union([z.array(z.string()), z.string().transform((one) => [one])]).default([]);

const statement = z.object({
  sid: z.string().default(''),
  effect: z.enum(['Allow', 'Deny']).default('Allow'),
  actions: texts,
  not_actions: texts,
  resources: texts,
  not_resources: texts,
  condition: z.array(z.object({ test: z.string(), variable: z.string(), values: texts })).default([]),
});

export interface Statement extends z.infer<typeof statement> {
  /** The name of the aws_iam_policy_document it stands in. */
  readonly document: string;
}

/** Every statement of every policy document. */
export const statementsOf = (blocks: readonly Block[]): readonly Statement[] =>
  blocks
    .filter(({ kind, type }) => kind === 'data' && type === 'aws_iam_policy_document')
    .flatMap(({ name, body }) =>
      z
        .array(statement)
        .parse(body.statement)
        .map((one) => ({ ...one, document: name })),
    );

/** What is allowed by pattern and not by name: `document: actions on resource`, and actions that are a pattern themselves. */
export const patternsAllowed = (blocks: readonly Block[]): readonly string[] =>
  statementsOf(blocks)
    .filter(({ effect }) => effect === 'Allow')
    .flatMap(({ document, actions, not_actions, resources, not_resources }) => [
      ...resources
        .filter((resource) => /[*?]/.test(resource))
        .map((resource) => `${document}: ${actions.join(', ')} on ${resource}`),
      ...actions.filter((action) => /[*?]/.test(action)).map((action) => `${document}: ${action}`),
      ...not_actions.map((action) => `${document}: everything but ${action}`),
      ...not_resources.map((resource) => `${document}: on everything but ${resource}`),
    ]);
