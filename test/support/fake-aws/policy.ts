import { z } from 'zod';

const texts = z.union([z.string().transform((one) => [one]), z.array(z.string())]);

const Statement = z.strictObject({
  Effect: z.enum(['Allow', 'Deny']),
  Action: texts,
  Resource: texts,
  Condition: z.strictObject({ StringLike: z.record(z.string(), texts) }).optional(),
});

/** As much of an IAM policy as is evaluated here; whatever else stands in one is refused, so that nothing is overlooked. */
export const Policy = z.strictObject({ Version: z.literal('2012-10-17'), Statement: z.array(Statement) });
export type Policy = z.infer<typeof Policy>;

/** One request, as IAM sees it. */
export interface PolicyRequest {
  readonly action: string;
  readonly resource: string;
  /** The condition keys that the request carries: `s3:prefix`, `aws:PrincipalTag/…`. */
  readonly context: Readonly<Record<string, string>>;
}

/**
 * IAM's own rules: `*` and `?` are patterns and `${…}` is a variable of the request. A variable's value is text: what it
 * holds is no pattern. A pattern with a variable that the request does not carry matches nothing.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
 */
export const matchesPattern = (
  pattern: string,
  text: string,
  context: Readonly<Record<string, string>> = {},
): boolean => {
  let source = '';
  for (const [part, variable] of pattern.matchAll(/\$\{([^}]*)\}|[\s\S]/g)) {
    if (variable !== undefined) {
      const value = context[variable];
      if (value === undefined) return false;
      source += literal(value);
    } else if (part === '*') source += '[\\s\\S]*';
    else if (part === '?') source += '[\\s\\S]';
    else source += literal(part);
  }
  return new RegExp(`^${source}$`).test(text);
};

const literal = (text: string): string => text.replace(/[.*+?^()|[\]\\{}$/-]/g, String.raw`\$&`);

/** Whether every one of the policies allows it (a role's and a session's narrow each other) and none of them denies it. */
export const isAllowed = (policies: readonly Policy[], request: PolicyRequest): boolean =>
  policies.every((policy) => {
    const hits = policy.Statement.filter((statement) => applies(statement, request));
    return hits.some(({ Effect }) => Effect === 'Allow') && hits.every(({ Effect }) => Effect !== 'Deny');
  });

const applies = (statement: Policy['Statement'][number], { action, resource, context }: PolicyRequest): boolean =>
  // Actions are compared without regard to case, resources are not.
  statement.Action.some((pattern) => matchesPattern(pattern.toLowerCase(), action.toLowerCase())) &&
  statement.Resource.some((pattern) => matchesPattern(pattern, resource, context)) &&
  // A key that the request does not carry matches no pattern.
  Object.entries(statement.Condition?.StringLike ?? {}).every(([key, patterns]) =>
    patterns.some((pattern) => context[key] !== undefined && matchesPattern(pattern, context[key], context)),
  );
