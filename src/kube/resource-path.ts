import type { ObjectRef, ResourceType, Subresource } from './client.ts';

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export const apiVersionOf = (type: ResourceType): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

/** `/api/v1/namespaces/<ns>/pods`; without a namespace a namespaced type is listed across all of them. */
export const collectionPath = (type: ResourceType, namespace: string | undefined): string => {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  if (!type.namespaced && namespace !== undefined) {
    throw new RangeError(`${type.kind} has no namespace, but ${namespace} was given`);
  }
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${type.plural}`;
};

/** Throws a RangeError where the reference cannot name one object: an empty name would address the collection. */
export const objectPath = (ref: ObjectRef, subresource?: Subresource): string => {
  if (ref.name === '') throw new RangeError(`a ${ref.type.kind} without a name`);
  if (ref.type.namespaced && (ref.namespace === undefined || ref.namespace === '')) {
    throw new RangeError(`${ref.type.kind} ${ref.name} needs a namespace`);
  }
  const path = `${collectionPath(ref.type, ref.namespace)}/${encodeURIComponent(ref.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
};

/** `?a=1&b=2`, or nothing; undefined values are left out, a list repeats its key. */
export const queryString = (query: Query): string => {
  const parameters = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value])
      parameters.append(key, String(one));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
};
