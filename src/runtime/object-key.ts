import type { KubeObject } from '../kube/client.ts';

/** `namespace/name`, or `name` for what has no namespace: how stores and queues call an object. */
export const objectKey = ({ metadata }: KubeObject): string => keyOf(metadata.namespace, metadata.name);

export const keyOf = (namespace: string | undefined, name: string): string =>
  namespace === undefined ? name : `${namespace}/${name}`;

export const splitKey = (key: string): { readonly namespace: string | undefined; readonly name: string } => {
  const slash = key.indexOf('/');
  return slash === -1
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
};

/** The key of the object that controls this one and is of `kind`; ownership is the owner reference, never a label. */
export const controllerOwnerKey = ({ metadata }: KubeObject, kind: string): string | undefined => {
  const owner = metadata.ownerReferences?.find((reference) => reference.controller === true);
  return owner?.kind === kind ? keyOf(metadata.namespace, owner.name) : undefined;
};
