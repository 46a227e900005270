import { createHash } from 'node:crypto';
import { z } from 'zod';
import { ANNOTATION_IDEMPOTENCY } from '../api/names.ts';
import type { KubeObject } from '../api/meta.ts';
import { canonicalJson } from '../base/json.ts';
import { type Caller, callerName } from './caller.ts';
import { invalidInput } from './input-error.ts';
import { type ProblemError, problemError } from './problem.ts';
import type { FacadeContext } from './request-state.ts';
import type { FieldShape } from './route.ts';

/**
 * What a client's Idempotency-Key amounts to (draft-ietf-httpapi-idempotency-key-header). Nothing of it is kept by this
 * process: what the request makes is named after the key, and carries both hashes. So any replica, after any crash,
 * finds that the request was carried out, and what came of it.
 */
export interface Idempotency {
  /** Of the caller, the operation and the key: another caller's same key is another. */
  readonly key: string;
  /** Of the request's body. */
  readonly request: string;
}

export const IDEMPOTENCY_KEY: Readonly<Record<string, FieldShape>> = {
  'Idempotency-Key': {
    description:
      'Any text of the client’s, new for each thing that it wants done once: a request that is repeated with the same key is carried out once and answered alike. The same key with another body is 422.',
    schema: z
      .string()
      .min(1)
      .max(255)
      .regex(/^[\x20-\x7e]+$/)
      .meta({ examples: ['8e03978e-40d5-43e8-bc93-6894a57f9324'] }),
  },
};

export const IDEMPOTENT_REPLAYED: Readonly<Record<string, FieldShape>> = {
  'Idempotent-Replayed': { description: '`true` where the request with this key was carried out before.' },
};

/** Undefined where the client sent no key. Throws the 422 for one that cannot be one. */
export const idempotencyOf = (context: FacadeContext, operation: string, body: unknown): Idempotency | undefined => {
  if (context.req.headers['idempotency-key'] === undefined) return undefined;
  const given = context.get('idempotency-key');
  if (given.length > 255 || !/^[\x20-\x7e]+$/.test(given)) {
    const msg = 'takes 1 to 255 printable characters of ASCII';
    throw invalidInput([{ type: 'value_error', loc: ['header', 'Idempotency-Key'], msg, input: given.slice(0, 255) }]);
  }
  return makeIdempotency(context.state.caller, operation, given, body);
};

export const makeIdempotency = (caller: Caller, operation: string, key: string, body: unknown): Idempotency => ({
  key: sha256(JSON.stringify([callerName(caller), operation, key])),
  request: sha256(canonicalJson(body ?? null)),
});

export const keyReused = (detail = 'This Idempotency-Key was used for another request'): ProblemError =>
  problemError('idempotency-key-reused', `${detail}: send a new key with a new request`);

/** What an object made for a key carries. */
export const idempotencyAnnotation = (idempotency: Idempotency): Readonly<Record<string, string>> => ({
  [ANNOTATION_IDEMPOTENCY]: JSON.stringify(idempotency),
});

const Stored = z.object({ key: z.string(), request: z.string() });

/** What an object was made for; undefined where it was for no key. */
export const idempotencyOfObject = ({ metadata }: KubeObject): Idempotency | undefined => {
  try {
    const parsed = Stored.safeParse(JSON.parse(metadata.annotations?.[ANNOTATION_IDEMPOTENCY] ?? ''));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
