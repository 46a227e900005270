import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../base/json.ts';
import { HomeError, type HeadSummary } from './home.ts';

export const HEAD_FORMAT = 1;

/**
 * What `.ws/HEAD` says. `nonce` is `<lineage>-<random>`: no two HEADs are equal, so no two share an ETag, and a writer
 * recognises its own even when the answer to its PUT was lost.
 */
export interface Head extends HeadSummary {
  /** SHA-256 of the manifest object's bytes, in hex; undefined where there is no manifest. */
  readonly manifestSha256: string | undefined;
  readonly writer: string;
  readonly nonce: string;
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const wholeNumber = z.number().int().nonnegative();
const wire = z.object({
  format: z.literal(HEAD_FORMAT),
  epoch: wholeNumber,
  sequence: wholeNumber,
  manifest: z.string().nullable(),
  manifestSha256: sha256.nullable(),
  writer: z.string(),
  nonce: z.string().min(1),
  committedAt: z.iso.datetime(),
  files: wholeNumber,
  bytes: wholeNumber,
  /** In HEAD and not in a manifest: it is read before anything is restored, and swapped together with the commit. */
  restored: z
    .object({ requestId: z.string(), manifest: z.string(), sequence: wholeNumber, at: z.iso.datetime() })
    .optional(),
  /** SHA-256 over all the other fields: HEAD is the one object whose key does not say what it must hold. */
  check: sha256,
});

const checkOf = (fields: object): string => hash('sha256', canonicalJson(fields), 'hex');

export const encodeHead = (head: Head): Buffer => {
  const fields = {
    format: HEAD_FORMAT,
    epoch: head.epoch,
    sequence: head.sequence,
    manifest: head.manifest ?? null,
    manifestSha256: head.manifestSha256 ?? null,
    writer: head.writer,
    nonce: head.nonce,
    committedAt: new Date(head.committedAt).toISOString(),
    files: head.files,
    bytes: head.bytes,
    ...(head.restored === undefined
      ? {}
      : { restored: { ...head.restored, at: new Date(head.restored.at).toISOString() } }),
  };
  return Buffer.from(`${JSON.stringify({ ...fields, check: checkOf(fields) }, null, 2)}\n`);
};

/** `where` names the object in the message. Throws HomeError `Corrupt`. */
export const decodeHead = (body: Uint8Array, where: string): Head => {
  const json = parseJson(body, where);
  const format = (json as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format !== HEAD_FORMAT) {
    throw new HomeError(
      'Corrupt',
      `${where} has format ${format}, and this version writes format ${HEAD_FORMAT}: use a version of matrx-sandbox that knows format ${format}`,
    );
  }
  const parsed = wire.safeParse(json);
  if (!parsed.success) throw new HomeError('Corrupt', `${where} is no HEAD: ${z.prettifyError(parsed.error)}`);
  const { check, ...fields } = parsed.data;
  if (check !== checkOf(fields)) throw new HomeError('Corrupt', `${where} does not match its own check sum`);
  return {
    epoch: fields.epoch,
    sequence: fields.sequence,
    manifest: fields.manifest ?? undefined,
    manifestSha256: fields.manifestSha256 ?? undefined,
    writer: fields.writer,
    nonce: fields.nonce,
    committedAt: Date.parse(fields.committedAt),
    files: fields.files,
    bytes: fields.bytes,
    restored: fields.restored === undefined ? undefined : { ...fields.restored, at: Date.parse(fields.restored.at) },
  };
};

const parseJson = (body: Uint8Array, where: string): unknown => {
  try {
    return JSON.parse(Buffer.from(body).toString());
  } catch (cause) {
    throw new HomeError('Corrupt', `${where} is not JSON`, cause);
  }
};

export const summaryOf = ({ epoch, sequence, manifest, committedAt, files, bytes, restored }: Head): HeadSummary => ({
  epoch,
  sequence,
  manifest,
  committedAt,
  files,
  bytes,
  ...(restored === undefined ? {} : { restored }),
});
