import { z } from 'zod';
import { ANNOTATION_METADATA } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';

const MAX_ENTRIES = 64;

export const MetadataKey = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[A-Za-z0-9_.:/-]+$/, 'a key has letters, digits and _ . : / -');
const MetadataValue = z.string().max(1024);

/** What an app calls its sandbox by: a map of strings, shown with the sandbox and good to filter by. */
export const Metadata = z
  .record(MetadataKey, MetadataValue)
  .refine((map) => Object.keys(map).length <= MAX_ENTRIES, `at most ${MAX_ENTRIES} entries`)
  .meta({ maxProperties: MAX_ENTRIES });
export type Metadata = Readonly<Record<string, string>>;

/** A change of it (RFC 7396): null takes an entry away. */
export const MetadataChange = z
  .record(MetadataKey, MetadataValue.nullable())
  .refine((map) => Object.keys(map).length <= MAX_ENTRIES, `at most ${MAX_ENTRIES} entries`)
  .meta({ maxProperties: MAX_ENTRIES });

/** What another wrote into the annotation and is no such map counts as nothing. */
export const metadataOf = ({ metadata }: Sandbox): Metadata => {
  const text = metadata.annotations?.[ANNOTATION_METADATA];
  if (text === undefined) return {};
  try {
    const parsed = z.record(z.string(), z.string()).safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
};

export const changedMetadata = (before: Metadata, change: Readonly<Record<string, string | null>>): Metadata => {
  const after = Object.entries({ ...before, ...change }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return Object.fromEntries(after.sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** The annotation, null where there is nothing to keep. */
export const metadataAnnotation = (map: Metadata): string | null =>
  Object.keys(map).length === 0 ? null : JSON.stringify(map);

/** Whether a sandbox has each of the wanted entries. */
export const hasMetadata = (sandbox: Sandbox, wanted: Metadata): boolean => {
  const has = metadataOf(sandbox);
  return Object.entries(wanted).every(([key, value]) => Object.hasOwn(has, key) && has[key] === value);
};
