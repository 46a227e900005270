import type { KubeObject } from '../../api/meta.ts';
import { isKeyId } from './api-key.ts';
import { KeyRecord } from './key-record.ts';

/** v1 Secret, as far as it is read: values are base64. */
export interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

/** An entry that is no key. Only this one is refused. */
export interface MalformedEntry {
  readonly entry: string;
  /** What is wrong. Nothing of the value is in it. */
  readonly fault: string;
}

export interface KeyEntries {
  readonly records: ReadonlyMap<string, KeyRecord>;
  readonly malformed: readonly MalformedEntry[];
}

/** The Secret's entries, told apart. Without a Secret there are none. */
export const readEntries = (secret: Secret | undefined): KeyEntries => {
  const records = new Map<string, KeyRecord>();
  const malformed: MalformedEntry[] = [];
  for (const [entry, value] of Object.entries(secret?.data ?? {})) {
    const read = readEntry(entry, value);
    if (typeof read === 'string') malformed.push({ entry, fault: read });
    else records.set(entry, read);
  }
  return { records, malformed };
};

/** The record, or what is wrong with it. */
const readEntry = (entry: string, value: string): KeyRecord | string => {
  if (!isKeyId(entry)) return 'its name is no id of a key (16 hex digits)';
  const json = parseJson(Buffer.from(value, 'base64').toString('utf8'));
  if (json === undefined) return 'it is not JSON';
  const parsed = KeyRecord.safeParse(json);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the entry'}: ${message}`).join('; ');
};

/** Without the parser's own words: they quote the text, and somebody may have put a key there. */
const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

/** How an entry is named in logs: a whole key that was made an entry's name by mistake loses its secret part. */
export const entryName = (entry: string): string => (entry.length <= 20 ? entry : `${entry.slice(0, 20)}…`);

export const encodeRecord = (record: KeyRecord): string => Buffer.from(JSON.stringify(record)).toString('base64');
