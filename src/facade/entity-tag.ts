import { createHash } from 'node:crypto';
import { ANNOTATION_METADATA } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { problemError } from './problem.ts';

/**
 * The version of what people write of a Sandbox: its spec and its metadata. Not of its status, which changes every few
 * seconds while it works: a client that reads, decides and writes back with If-Match wants to hear of another client's
 * change, and of nothing else. (Answers are never cached, so nobody takes it for a validator of the whole answer.)
 */
export const entityTag = ({ metadata }: Sandbox): string => {
  const parts = [metadata.uid ?? '', metadata.generation ?? 0, metadata.annotations?.[ANNOTATION_METADATA] ?? ''];
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
  return `"${hash.slice(0, 22)}"`;
};

/** Whether a Sandbox is the one an If-Match header speaks of (RFC 9110, 13.1.1); without a header any is. */
export const matches = (ifMatch: string, sandbox: Sandbox): boolean => {
  if (ifMatch === '' || ifMatch.trim() === '*') return true;
  return ifMatch.split(',').some((tag) => tag.trim() === entityTag(sandbox));
};

export const preconditionFailed = ({ metadata }: Sandbox): Error =>
  problemError(
    'precondition-failed',
    `Sandbox ${metadata.name} has been changed since: read it again, and decide anew`,
    { sandbox_id: metadata.name },
  );
