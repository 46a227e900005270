import type { KubeObject, ObjectMeta } from '../../../src/api/meta.ts';
import { API_GROUP } from '../../../src/api/names.ts';
import { SandboxSpec } from '../../../src/api/sandbox.ts';
import { canonicalJson, type Json } from '../../../src/base/json.ts';
import type {
  DeleteOptions,
  JsonPatchOperation,
  ListPage,
  ObjectRef,
  ResourceType,
  Selection,
  Subresource,
} from '../../../src/kube/client.ts';
import { apiVersionOf } from '../../../src/kube/resource-path.ts';
import { mergePatch } from '../merge-patch.ts';
import type { ApiServer } from './api-server.ts';
import { hasStatus, type KindOfObject, kindOf, type Kinds, type Snapshot } from './kinds.ts';
import { jsonPatch } from './patches.ts';
import { Refused } from './refused.ts';
import { selects } from './selection.ts';

export type ListQuery = Selection & { readonly limit?: number; readonly continue?: string };

/** What a request does to the model, in one step. Each throws `Refused` as the real server answers with a Status. */
export interface Verbs {
  readonly get: (ref: ObjectRef) => KubeObject;
  readonly list: (type: ResourceType, query: ListQuery) => ListPage<KubeObject>;
  readonly create: (type: ResourceType, namespace: string | undefined, object: KubeObject) => KubeObject;
  readonly replace: (ref: ObjectRef, object: KubeObject, subresource?: Subresource) => KubeObject;
  readonly mergePatch: (ref: ObjectRef, patch: Json, subresource?: Subresource) => KubeObject;
  readonly jsonPatch: (ref: ObjectRef, patch: readonly JsonPatchOperation[], subresource?: Subresource) => KubeObject;
  readonly delete: (ref: ObjectRef, options?: DeleteOptions) => void;
}

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const makeVerbs = (api: ApiServer): Verbs => {
  const find = (ref: ObjectRef): KubeObject => {
    const object = objectsOf(api.newest(), mustKnow(ref.type)).get(ref.name);
    if (object === undefined) throw new Refused(`${resourceOf(ref.type)} "${ref.name}" not found`, 'NotFound');
    return object;
  };

  /** `next` is what the request asks for; what it may not change is taken from what there is. */
  const write = (ref: ObjectRef, next: (before: KubeObject) => KubeObject, subresource?: Subresource): KubeObject => {
    const kind = mustKnow(ref.type);
    const before = find(ref);
    const asked = next(before);
    const { resourceVersion } = asked.metadata;
    const change = <K extends KindOfObject>(object: Kinds[K]): Kinds[K] =>
      (subresource === 'status' ? withStatusOf(object, asked) : admitted(kind, object, asked)) as Kinds[K];
    api.update(kind, ref.name, change, resourceVersion === undefined ? {} : { resourceVersion });
    // The last finalizer took it away: the answer is its last state.
    return objectsOf(api.newest(), kind).get(ref.name) ?? asked;
  };

  return {
    get: find,
    list: (type, query) => page(api, mustKnow(type), query),
    create: (type, namespace, object) => {
      const kind = mustKnow(type);
      const created = prepared(api, type, kind, namespace, object);
      api.create(kind, created);
      return find({ type, name: created.metadata.name });
    },
    replace: (ref, object, subresource) => {
      const { uid } = object.metadata;
      const found = find(ref);
      if (uid !== undefined && uid !== found.metadata.uid) {
        throw new Refused(
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${found.metadata.uid}`,
        );
      }
      if (object.metadata.resourceVersion === undefined && ref.type.group === API_GROUP) {
        const message = 'metadata.resourceVersion: Invalid value: 0: must be specified for an update';
        throw new Refused(message, 'Invalid', ['metadata.resourceVersion']);
      }
      return write(
        ref,
        (before) => ({ ...object, metadata: { ...identity(before), ...object.metadata } }),
        subresource,
      );
    },
    mergePatch: (ref, patch, subresource) =>
      write(ref, (before) => mergePatch(before, patch) as KubeObject, subresource),
    jsonPatch: (ref, patch, subresource) =>
      write(ref, (before) => jsonPatch(before as unknown as Json, patch) as unknown as KubeObject, subresource),
    delete: (ref, { uid, resourceVersion, gracePeriodSeconds } = {}) => {
      find(ref);
      api.delete(mustKnow(ref.type), ref.name, { uid, resourceVersion, graceSeconds: gracePeriodSeconds });
    },
  };
};

const objectsOf = (world: Snapshot, kind: KindOfObject): ReadonlyMap<string, KubeObject> => world[kind];

export const mustKnow = (type: ResourceType): KindOfObject => {
  const kind = kindOf(type);
  if (kind === undefined) throw new Refused('the server could not find the requested resource', 'NotFound');
  return kind;
};

const resourceOf = ({ plural, group }: ResourceType): string => (group === '' ? plural : `${plural}.${group}`);

const identity = ({ metadata }: KubeObject): Partial<ObjectMeta> => {
  const { namespace, uid } = metadata;
  return { ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) };
};

/** A write to the status changes the status alone; one to the object everything but the status. */
const withStatusOf = (before: KubeObject, asked: KubeObject): KubeObject => {
  const { status } = asked as { readonly status?: unknown };
  const { status: _old, ...rest } = before as KubeObject & { readonly status?: unknown };
  return status === undefined ? rest : ({ ...rest, status } as KubeObject);
};

const admitted = (kind: KindOfObject, before: KubeObject, asked: KubeObject): KubeObject => {
  const admissible = hasStatus(kind) ? withStatusOf(asked, before) : asked;
  if (kind !== 'sandboxes') return admissible;
  const [old, spec] = [specOf(before), specOf(asked)];
  if (old === spec) return admissible;
  for (const field of ['userId', 'workspace'] as const) {
    if (canonicalJson(spec[field]) === canonicalJson(old[field])) continue;
    throw new Refused(`spec.${field}: Invalid value: ${field} cannot be changed after creation`, 'Invalid', [
      `spec.${field}`,
    ]);
  }
  return { ...admissible, spec: schemaOf(spec) } as KubeObject;
};

const specOf = (object: KubeObject): SandboxSpec => (object as unknown as { readonly spec: SandboxSpec }).spec;

const schemaOf = (spec: unknown): SandboxSpec => {
  const parsed = SandboxSpec.safeParse(spec);
  if (parsed.success) return { ...parsed.data, ...configOf(spec) };
  const fields = parsed.error.issues.map(({ path }) => ['spec', ...path].join('.'));
  throw new Refused(`${fields.join(', ')}: Invalid value: ${parsed.error.message}`, 'Invalid', fields);
};

/** The schema keeps it as it is. */
const configOf = (spec: unknown): Pick<SandboxSpec, 'config'> => {
  const { config } = spec as SandboxSpec;
  return config === undefined ? {} : { config };
};

const prepared = (
  api: ApiServer,
  type: ResourceType,
  kind: KindOfObject,
  namespace: string | undefined,
  object: KubeObject,
): KubeObject => {
  const { name = generated(api, kind, object), ...given } = object.metadata as Partial<ObjectMeta>;
  if (!NAME.test(name)) {
    const message = `metadata.name: Invalid value: "${name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`;
    throw new Refused(message, 'Invalid', ['metadata.name']);
  }
  const { status: _status, ...asked } = object as KubeObject & { readonly status?: unknown };
  const isOurs = kind === 'sandboxes' || kind === 'workspaces';
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    ...(hasStatus(kind) ? asked : object),
    metadata: { name, ...given, ...(namespace === undefined ? {} : { namespace }) },
    ...(kind === 'sandboxes' ? { spec: schemaOf(specOf(object)) } : {}),
    // The schemas' own default: nothing has been observed yet.
    ...(isOurs ? { status: { observedGeneration: -1 } } : {}),
  };
};

const generated = (api: ApiServer, kind: KindOfObject, { metadata }: KubeObject): string => {
  const { generateName } = metadata;
  if (generateName === undefined) {
    throw new Refused('metadata.name: Required value: name or generateName is required', 'Invalid', ['metadata.name']);
  }
  const suffix = (5_000_000 + api.history.length).toString(36);
  return objectsOf(api.newest(), kind).has(generateName + suffix) ? `${generateName}${suffix}x` : generateName + suffix;
};

/** Of one version, however long somebody takes to read all pages. */
const page = (api: ApiServer, kind: KindOfObject, query: ListQuery): ListPage<KubeObject> => {
  const { version, after } = query.continue === undefined ? { version: undefined, after: '' } : parse(query.continue);
  const at = version ?? api.history.length - 1;
  if (at < api.oldest()) throw new Refused('The provided continue parameter is too old', 'Gone');
  const isSelected = selects(query);
  const found = [...objectsOf(api.history[at] as Snapshot, kind)]
    .filter(([name, object]) => name > after && isSelected(object))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, object]) => object);
  const items = query.limit === undefined ? found : found.slice(0, query.limit);
  const last = items.at(-1)?.metadata.name ?? '';
  const token = Buffer.from(JSON.stringify({ version: at, after: last })).toString('base64url');
  return { items, resourceVersion: String(at), ...(items.length < found.length ? { continue: token } : {}) };
};

const parse = (token: string): { readonly version: number; readonly after: string } => {
  try {
    const { version, after } = JSON.parse(Buffer.from(token, 'base64url').toString()) as Record<string, unknown>;
    if (typeof version === 'number' && typeof after === 'string') return { version, after };
  } catch {
    // Whatever it was, it is none of ours.
  }
  throw new Refused('continue key is not valid', 'BadRequest');
};
