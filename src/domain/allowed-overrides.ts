import type { Sandbox } from '../api/sandbox.ts';
import type { SandboxTemplate } from '../api/sandbox-template.ts';
import { isMore } from '../base/quantity.ts';

/** What a Sandbox sets in place of its template that the template does not leave to it, for people; undefined: nothing. */
export const forbiddenOverride = ({ spec }: Sandbox, template: SandboxTemplate): string | undefined => {
  const { allowedOverrides } = template.spec;
  if (allowedOverrides === undefined) return undefined;
  const { images, env, resources, maxResources } = allowedOverrides;
  if (spec.image !== undefined && images !== undefined && !matchesAny(spec.image, images)) {
    return `spec.image ${spec.image}: it allows ${listed(images)} (its spec.allowedOverrides.images)`;
  }
  const variable = (spec.env ?? []).find(({ name }) => env !== undefined && !matchesAny(name, env));
  if (variable !== undefined)
    return `spec.env ${variable.name}: it allows ${listed(env ?? [])} (its spec.allowedOverrides.env)`;
  if (spec.resources === undefined) return undefined;
  if (resources === false) return 'spec.resources: it allows none but its own (its spec.allowedOverrides.resources)';
  return aboveMaximum(spec.resources, maxResources ?? {});
};

const aboveMaximum = (
  { requests = {}, limits = {} }: NonNullable<Sandbox['spec']['resources']>,
  most: NonNullable<NonNullable<SandboxTemplate['spec']['allowedOverrides']>['maxResources']>,
): string | undefined => {
  for (const name of ['cpu', 'memory', 'ephemeral-storage'] as const) {
    const max = most[name];
    const [request, limit] = [requests[name], limits[name]];
    if (max === undefined) continue;
    // Without a limit it may take whatever the node has.
    const rule = `(its spec.allowedOverrides.maxResources.${name})`;
    if (limit === undefined) return `spec.resources: it needs limits.${name}, of ${max} at most ${rule}`;
    if (isMore(limit, max)) return `spec.resources.limits.${name} ${limit}: it allows ${max} ${rule}`;
    if (request !== undefined && isMore(request, max))
      return `spec.resources.requests.${name} ${request}: it allows ${max} ${rule}`;
  }
  return undefined;
};

/** A pattern that ends in `*` matches what begins with the rest of it, any other itself. */
const matchesAny = (text: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => (pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern));

const listed = (patterns: readonly string[]): string => (patterns.length === 0 ? 'none' : patterns.join(', '));
