import type { Json } from '../../../src/base/json.ts';
import type { JsonPatchOperation } from '../../../src/kube/client.ts';
import { canonicalJson } from '../../../src/base/json.ts';
import { Refused } from './refused.ts';

const refuse = (message: string): Refused =>
  new Refused(`the server rejected our request due to an error in our request: ${message}`, 'Invalid');

/** RFC 6902 on objects, in order, all or nothing; what is within a list cannot be named. */
export const jsonPatch = (document: Json, operations: readonly JsonPatchOperation[]): Json =>
  operations.reduce(apply, document);

const apply = (document: Json, { op, path, value }: JsonPatchOperation): Json => {
  const parts = path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return edit(document, parts, (found) => {
    if (op === 'test') {
      if (found === undefined || canonicalJson(found) !== canonicalJson(value)) {
        throw refuse(`testing value ${path} failed`);
      }
      return found;
    }
    if (op !== 'add' && found === undefined) throw refuse(`doc is missing key: ${path}`);
    return op === 'remove' ? undefined : (value ?? null);
  });
};

type Members = Readonly<Record<string, Json>>;

/** `change` gets what is at the place; undefined: nothing is, or is to be. */
const edit = (
  document: Json,
  parts: readonly string[],
  change: (found: Json | undefined) => Json | undefined,
): Json => {
  const [part = '', ...rest] = parts;
  if (document === null || typeof document !== 'object' || Array.isArray(document)) {
    throw refuse(`doc is missing path: /${parts.join('/')}`);
  }
  const members = document as Members;
  const found = members[part];
  if (rest.length > 0) {
    if (found === undefined) throw refuse(`doc is missing path: /${parts.join('/')}`);
    return { ...members, [part]: edit(found, rest, change) };
  }
  const changed = change(found);
  if (changed !== undefined) return { ...members, [part]: changed };
  const { [part]: _removed, ...others } = members;
  return others;
};
