import type { KubeObject } from '../api/meta.ts';
import type { WatchEvent } from './client.ts';
import { KubeError } from './errors.ts';
import type { Status } from './status-error.ts';

interface RawEvent {
  readonly type?: string;
  readonly object?: unknown;
}

const KINDS: Readonly<Record<string, 'added' | 'modified' | 'deleted'>> = {
  ADDED: 'added',
  MODIFIED: 'modified',
  DELETED: 'deleted',
};

/** One line of a watch. Throws a KubeError `ServerError` for a line that is no event: the stream cannot be trusted on. */
export const parseWatchEvent = <T extends KubeObject>(line: string): WatchEvent<T> => {
  const { type = '', object } = parseLine(line);
  const kind = KINDS[type];
  if (kind !== undefined) return { kind, object: object as T };
  if (type === 'BOOKMARK') {
    return { kind: 'bookmark', resourceVersion: (object as KubeObject).metadata.resourceVersion ?? '' };
  }
  if (type === 'ERROR') {
    const status = object as Status;
    return {
      kind: 'error',
      code: status.code ?? 500,
      reason: status.reason ?? 'Unknown',
      message: status.message ?? 'the API server ended the watch without saying why',
    };
  }
  throw new KubeError('ServerError', `the watch sent an event of the unknown type ${JSON.stringify(type)}`);
};

const parseLine = (line: string): RawEvent => {
  try {
    const parsed = JSON.parse(line) as RawEvent | null;
    if (parsed !== null && typeof parsed === 'object' && typeof parsed.object === 'object') return parsed;
  } catch (cause) {
    throw new KubeError('ServerError', `the watch sent a line that is no JSON: ${line.slice(0, 80)}`, { cause });
  }
  throw new KubeError('ServerError', `the watch sent a line that is no event: ${line.slice(0, 80)}`);
};
