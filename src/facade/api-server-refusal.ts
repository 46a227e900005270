import type { KubeError } from '../kube/errors.ts';
import { echo, invalidInput, valueAt } from './input-error.ts';
import type { InputError, ProblemError } from './problem.ts';

/** Fields of a Sandbox's spec that have another name in a request's body. */
const BODY_PATHS: readonly (readonly [spec: string, body: readonly string[]])[] = [
  ['templateRef.name', ['template']],
  ['templateRef', ['template']],
  ['userId', ['user_id']],
];

/**
 * The 422 for a Sandbox that the API server refused: its message names each field as `spec.env[0].name: Invalid value:
 * "HOME": HOME is set by the product`, which becomes `loc: ["body", "env", 0, "name"]`.
 */
export const apiServerRefusal = (error: KubeError, body: unknown): ProblemError => {
  const reasons = error.message.replace(/^.*? is invalid: /s, '');
  const list = reasons.startsWith('[') && reasons.endsWith(']') ? reasons.slice(1, -1) : reasons;
  const errors = list
    .split(/, (?=spec\.|<nil>: )/)
    // The last of several may say that other rules were not looked at, of no field at all.
    .filter((reason) => !reason.startsWith('<nil>: '));
  return invalidInput(errors.map((reason) => inputError(reason, body)));
};

const inputError = (reason: string, body: unknown): InputError => {
  const [, field, msg] = /^spec\.([\w.[\]]+): (.*)$/s.exec(reason) ?? [];
  if (field === undefined || msg === undefined) return { type: 'value_error', loc: ['body'], msg: reason, input: null };
  const path = bodyPath(field);
  return { type: 'value_error', loc: ['body', ...path], msg, input: echo(valueAt(body, path)) };
};

const bodyPath = (field: string): readonly (string | number)[] => {
  const renamed = BODY_PATHS.find(([spec]) => field === spec)?.[1];
  if (renamed !== undefined) return renamed;
  return [...field.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
};
