import type { z } from 'zod';
import { type InputError, type ProblemError, problemError } from './problem.ts';

/** Where an input comes from: the first element of an InputError's `loc`. */
export type InputSource = 'body' | 'query' | 'path' | 'header';

/** What does not fit in so many characters of JSON is cut or left out of an answer. */
const ECHO_LIMIT = 1024;

/** Validates an input that came from outside. Throws the 422 that lists every wrong field. */
export const parseInput = <S extends z.ZodType>(schema: S, source: InputSource, input: unknown): z.infer<S> => {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw invalidInput(parsed.error.issues.flatMap((issue) => inputErrors(issue, source, input)));
};

export const invalidInput = (errors: readonly InputError[]): ProblemError => problemError('invalid-input', errors);

const inputErrors = (issue: z.core.$ZodIssue, source: InputSource, input: unknown): readonly InputError[] => {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const loc = [source, ...path];
  const value = valueAt(input, path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      type: 'extra_forbidden',
      loc: [...loc, key],
      msg: 'Extra inputs are not permitted',
      input: echo(valueAt(value, [key])),
    }));
  }
  if (issue.code === 'invalid_type' && value === undefined) {
    return [{ type: 'missing', loc, msg: 'Field required', input: echo(valueAt(input, path.slice(0, -1))) }];
  }
  return [{ type: errorType(issue), loc, msg: issue.message, input: echo(value) }];
};

const TYPE_ERRORS: Readonly<Record<string, string>> = {
  string: 'string_type',
  number: 'float_type',
  int: 'int_type',
  boolean: 'bool_type',
  array: 'list_type',
  object: 'dict_type',
};

const SIZE_ERRORS: Readonly<Record<string, readonly [tooSmall: string, tooBig: string]>> = {
  string: ['string_too_short', 'string_too_long'],
  array: ['too_short', 'too_long'],
};

/** The original API's word for a zod issue. */
const errorType = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'invalid_type') return TYPE_ERRORS[issue.expected] ?? 'value_error';
  if (issue.code === 'too_small') return SIZE_ERRORS[issue.origin]?.[0] ?? 'greater_than_equal';
  if (issue.code === 'too_big') return SIZE_ERRORS[issue.origin]?.[1] ?? 'less_than_equal';
  if (issue.code === 'invalid_format') return 'string_pattern_mismatch';
  return issue.code === 'invalid_value' ? 'literal_error' : 'value_error';
};

/** The value at a path, undefined where there is none. */
export const valueAt = (input: unknown, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, part)
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    input,
  );

/** Gives an input back, so that its sender sees what was meant; never so much that the answer is a burden. */
export const echo = (value: unknown): unknown => {
  if (value === undefined) return null;
  if (typeof value === 'string') return value.length <= ECHO_LIMIT ? value : `${value.slice(0, ECHO_LIMIT)}…`;
  return JSON.stringify(value).length <= ECHO_LIMIT ? value : null;
};
