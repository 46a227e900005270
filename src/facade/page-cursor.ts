import { z } from 'zod';
import { invalidInput } from './input-error.ts';

/** Where a page ends: the sort key and the name of its last entry, so that what comes and goes meanwhile moves nothing. */
export interface Position {
  readonly key: string;
  readonly name: string;
}

const Cursor = z.tuple([z.string(), z.string(), z.string()]);

/** Opaque to clients. It belongs to one order of the list. */
export const encodeCursor = (sort: string, { key, name }: Position): string =>
  Buffer.from(JSON.stringify([sort, key, name])).toString('base64url');

/** Throws the 422 for what this server has not given out, or for another order. */
export const decodeCursor = (sort: string, cursor: string): Position => {
  const refused = (msg: string) =>
    invalidInput([{ type: 'value_error', loc: ['query', 'cursor'], msg, input: cursor }]);
  let parsed: z.infer<typeof Cursor>;
  try {
    parsed = Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
  } catch {
    throw refused('this is no cursor of this server: take one from next_cursor');
  }
  const [ofSort, key, name] = parsed;
  if (ofSort !== sort) throw refused(`this cursor belongs to sort=${ofSort}: begin again without it, or keep the sort`);
  return { key, name };
};
