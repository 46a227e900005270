import { envFields, imageField, type Origin, resourcesField, resourcesOf, templateField } from './origin.ts';

/**
 * Which fields a trouble with the pod follows from, for messages that say what a person can change. What the scheduler,
 * kubelet or the API server says is theirs, so it is searched for the few words that tell one field from another; where
 * there are none, every field is named that can be to blame.
 */
const RESOURCE_NAMES = ['cpu', 'memory', 'ephemeral-storage'] as const;
type ResourceName = (typeof RESOURCE_NAMES)[number];

/** `message` with the fields that it is about. */
export const blaming = (message: string, fields: readonly string[]): string =>
  fields.length === 0 ? message : `${message}; look at ${fields.join(', ')}`;

/** An image that cannot be had. */
export const imageBlame = (origin: Origin, message: string): readonly string[] => [
  imageField(origin),
  ...(message.startsWith('ErrImageNeverPull') ? [templateField(origin, 'spec.imagePullPolicy')] : []),
];

/** A pod that no node takes. */
export const schedulingBlame = (origin: Origin, message: string): readonly string[] => {
  const short = RESOURCE_NAMES.filter((name) => message.includes(`Insufficient ${name}`));
  const isPlaced = message.includes('affinity') || message.includes('selector');
  return [...short.map((name) => requestField(origin, name)), ...(isPlaced ? placementFields(origin) : [])];
};

/** Without a request, the limit is what the scheduler counts. */
const requestField = (origin: Origin, name: ResourceName): string => {
  const { requests, limits } = resourcesOf(origin);
  if (requests?.[name] !== undefined) return resourcesField(origin, `.requests.${name}`);
  return resourcesField(origin, limits?.[name] === undefined ? '' : `.limits.${name}`);
};

/** A RuntimeClass may have a node selector; a user namespace needs a node that has such. */
const placementFields = (origin: Origin): readonly string[] => [
  ...(origin.template?.spec.runtimeClassName === undefined ? [] : [templateField(origin, 'spec.runtimeClassName')]),
  ...sudoField(origin),
];

const sudoField = (origin: Origin): readonly string[] =>
  origin.template?.spec.security?.sudo === true ? [templateField(origin, 'spec.security.sudo')] : [];

/** A container that does not come up, or ends again and again. */
export const containerBlame = (origin: Origin, message: string): readonly string[] => {
  const { limits } = resourcesOf(origin);
  const memory = limits?.memory === undefined ? [] : [resourcesField(origin, '.limits.memory')];
  if (message.includes('OOMKilled')) return memory;
  return [imageField(origin), ...envFields(origin), ...memory, ...sudoField(origin)];
};

/** kubelet's own words for an eviction say "ephemeral local storage", those for a pod that it refuses `ephemeral-storage`. */
const NAMED: Readonly<Record<ResourceName, RegExp>> = {
  cpu: /cpu/u,
  memory: /memory/u,
  'ephemeral-storage': /ephemeral[- ](local )?storage/u,
};

/** A pod that had to be given up: evicted, or refused by a kubelet. */
export const podBlame = (origin: Origin, message: string): readonly string[] =>
  RESOURCE_NAMES.filter((name) => NAMED[name].test(message)).flatMap((name) => {
    const { requests, limits } = resourcesOf(origin);
    if (limits?.[name] !== undefined) return [resourcesField(origin, `.limits.${name}`)];
    return requests?.[name] === undefined ? [] : [resourcesField(origin, `.requests.${name}`)];
  });

/** A pod that the API server will not have: its own words name the pod's fields, not ours. */
export const refusalBlame = (origin: Origin, message: string): readonly string[] => {
  if (message.includes('RuntimeClass') || message.includes('runtimeClassName'))
    return [templateField(origin, 'spec.runtimeClassName')];
  if (message.includes('security.sudo')) return [templateField(origin, 'spec.security.sudo')];
  return [
    ...(message.includes('.image') ? [imageField(origin)] : []),
    ...(message.includes('.env') ? envFields(origin) : []),
    ...(/\.resources|quota|LimitRange|cpu|memory|storage/u.test(message) ? [resourcesField(origin)] : []),
    ...(message.includes('terminationGracePeriodSeconds')
      ? [templateField(origin, 'spec.terminationGracePeriodSeconds')]
      : []),
  ];
};
