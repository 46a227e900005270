import { z } from 'zod';
import { ANNOTATION_ERROR, ANNOTATION_RESULT } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { shortened } from '../base/shortened.ts';

/** An object's annotations may hold 256 KiB in all; what is larger belongs into a file of the home. */
const MAX_BYTES = 65_536;
const MAX_ERROR_LENGTH = 4096;

/** A JSON object of anybody's. */
const AnyObject = z.record(z.string(), z.unknown());

/** What a sandbox said when it was done. */
export interface Result {
  readonly result: Readonly<Record<string, unknown>> | null;
  /** It was too large to be kept. */
  readonly omitted: boolean;
}

export const ReportedError = z.object({
  error: z.string(),
  details: AnyObject.nullable(),
  details_omitted: z.boolean().describe('Whether there were details, too large to be kept.'),
});
export type ReportedError = Readonly<z.infer<typeof ReportedError>>;

/**
 * A result as the record keeps it. One that is too large ends the sandbox all the same: it was done, and its sender does
 * not look at an answer.
 */
export const resultAnnotation = (result: unknown): string => {
  const text = JSON.stringify({ result: result ?? {} });
  return Buffer.byteLength(text) <= MAX_BYTES ? text : JSON.stringify({ omitted: true });
};

export const errorAnnotation = (error: string, details: unknown): string => {
  const cut = shortened(error, MAX_ERROR_LENGTH);
  const text = JSON.stringify({ error: cut, details: details ?? {} });
  return Buffer.byteLength(text) <= MAX_BYTES ? text : JSON.stringify({ error: cut, omitted: true });
};

const StoredResult = z.object({ result: AnyObject.optional(), omitted: z.boolean().default(false) });
const StoredError = z.object({ error: z.string(), details: AnyObject.optional(), omitted: z.boolean().default(false) });

export const resultOf = ({ metadata }: Sandbox): Result => {
  const stored = read(StoredResult, metadata.annotations?.[ANNOTATION_RESULT]);
  return { result: stored?.result ?? null, omitted: stored?.omitted ?? false };
};

export const errorOf = ({ metadata }: Sandbox): ReportedError | null => {
  const stored = read(StoredError, metadata.annotations?.[ANNOTATION_ERROR]);
  if (stored === undefined) return null;
  return { error: stored.error, details: stored.details ?? null, details_omitted: stored.omitted };
};

/** Undefined where there is none, or somebody else has written something else there. */
const read = <S extends z.ZodType>(schema: S, text: string | undefined): z.infer<S> | undefined => {
  if (text === undefined) return undefined;
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
};
