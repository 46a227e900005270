import { z } from 'zod';

/** Which parameters of a query are lists (`status=ready&status=running`) and which are maps (`metadata[team]=a`). */
export interface QueryShape {
  readonly lists: ReadonlySet<string>;
  readonly maps: ReadonlySet<string>;
}

export const queryShape = (schema: z.ZodType | undefined): QueryShape => {
  const { properties = {} } =
    schema === undefined ? {} : z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const ofType = (type: string): ReadonlySet<string> =>
    new Set(Object.keys(properties).filter((name) => (properties[name] as { readonly type?: unknown }).type === type));
  return { lists: ofType('array'), maps: ofType('object') };
};

/**
 * A query's parameters, as its schema takes them. Of one that is given several times and is no list, the last counts. A
 * list may be given with commas as well, a map's entry as `metadata[team]=a` or `metadata.team=a`.
 */
export const readQuery = (search: string, { lists, maps }: QueryShape): Readonly<Record<string, unknown>> => {
  const query = new Map<string, unknown>();
  const gathered = new Map<string, [key: string, value: string][]>();
  for (const [name, value] of new URLSearchParams(search)) {
    const [, map = '', bracket, dotted] = /^([A-Za-z_]+)(?:\[(.*)\]|\.(.*))$/s.exec(name) ?? [];
    if (lists.has(name)) query.set(name, [...((query.get(name) as string[] | undefined) ?? []), ...value.split(',')]);
    else if (maps.has(map)) gathered.set(map, [...(gathered.get(map) ?? []), [bracket ?? dotted ?? '', value]]);
    else query.set(name, value);
  }
  for (const [map, entries] of gathered) query.set(map, Object.fromEntries(entries));
  return Object.fromEntries(query);
};
