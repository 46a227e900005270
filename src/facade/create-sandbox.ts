import { createHash } from 'node:crypto';
import type { Sandbox } from '../api/sandbox.ts';
import { traceAnnotation } from '../api/trace-annotation.ts';
import { FIELD_MANAGER_FACADE, LABEL_API_KEY, SANDBOX_FINALIZER } from '../api/names.ts';
import type { KubeObject } from '../api/meta.ts';
import { isKubeError, type KubeError } from '../kube/errors.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import type { Caller } from './caller.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { type Idempotency, idempotencyOfObject, keyReused } from './idempotency.ts';
import { kubeProblem } from './kube-problem.ts';
import { ProblemError } from './problem.ts';

/** How many names are tried: two taken ones in a row do not happen by chance. */
const NAME_TRIES = 3;
/** 12 hex digits. */
const ID_BYTES = 6;

type CreateDependencies = Pick<FacadeDependencies, 'kube' | 'cache' | 'quota' | 'random' | 'settings' | 'tracer'>;

/**
 * Creates a Sandbox under a new id. No signal ends it: a client that leaves must not leave it open whether there is a
 * Sandbox. Where the API server did not say, it is asked; if it still does not say, the 503 names the id, so that the
 * client can look. Throws the KubeError of a refusal, and the 429 where the caller's key has its share.
 */
export const createSandbox = async (
  dependencies: CreateDependencies,
  caller: Caller,
  make: (name: string) => KubeObject,
): Promise<Sandbox> => {
  for (let tries = 1; ; tries++) {
    const name = `sbx-${dependencies.random.hex(ID_BYTES)}`;
    try {
      return await create(dependencies, caller, make(name));
    } catch (error) {
      if (isUncertain(error)) return findCreated(dependencies, name, error);
      if (tries === NAME_TRIES || !isKubeError(error, 'AlreadyExists')) throw error;
    }
  }
};

export interface CreatedOnce {
  readonly sandbox: Sandbox;
  /** Made by an earlier request with this key, or by an earlier try of this one. */
  readonly replayed: boolean;
}

/**
 * The same for a request with an Idempotency-Key: the id follows from the key, and the API server refuses a second
 * Sandbox of the same name, so that there is one however often, wherever and at once it is asked for. Throws the 422
 * for a key that belongs to another request.
 */
export const createSandboxOnce = async (
  dependencies: CreateDependencies,
  caller: Caller,
  idempotency: Idempotency,
  make: (name: string) => KubeObject,
): Promise<CreatedOnce> => {
  for (let tries = 1; ; tries++) {
    const name = idOfKey(idempotency.key, tries);
    let found: Sandbox | undefined;
    try {
      return { sandbox: await create(dependencies, caller, make(name)), replayed: false };
    } catch (error) {
      if (isKubeError(error, 'AlreadyExists') || isUncertain(error)) {
        found = await findCreated(dependencies, name, error);
      } else {
        // A key's share is for new ones: what is there already is given again also where the share is used up.
        found = error instanceof ProblemError ? dependencies.cache.get(name) : undefined;
        if (found === undefined) throw error;
      }
    }
    const made = idempotencyOfObject(found);
    if (made?.key === idempotency.key) {
      if (made.request !== idempotency.request) throw keyReused();
      dependencies.cache.put(found);
      return { sandbox: found, replayed: true };
    }
    // 48 bits that another has drawn by chance: the next ones of the same key.
    if (tries === NAME_TRIES) throw keyReused('The ids of this Idempotency-Key are taken');
  }
};

const idOfKey = (key: string, tries: number): string =>
  `sbx-${createHash('sha256')
    .update(`${key}/${tries}`)
    .digest('hex')
    .slice(0, ID_BYTES * 2)}`;

const create = (
  { kube, cache, quota, settings, tracer }: CreateDependencies,
  caller: Caller,
  sandbox: KubeObject,
): Promise<Sandbox> =>
  quota.within(caller, async () => {
    const options = { fieldManager: FIELD_MANAGER_FACADE };
    const wanted = owned(sandbox, caller, traceAnnotation(tracer));
    const created = (await kube.create(SANDBOXES, settings.namespace, wanted, options)) as Sandbox;
    cache.put(created);
    tracer?.current()?.note({ sandbox_id: created.metadata.name, user_id: created.spec.userId });
    return created;
  });

/**
 * Says which key it is of, for the key's share, and which trace; and has the finalizer, which is one write less for the
 * controller.
 */
const owned = (
  { metadata, ...sandbox }: KubeObject,
  caller: Caller,
  trace: Readonly<Record<string, string>>,
): KubeObject => ({
  ...sandbox,
  metadata: {
    ...metadata,
    finalizers: [SANDBOX_FINALIZER],
    ...(Object.keys(trace).length === 0 ? {} : { annotations: { ...metadata.annotations, ...trace } }),
    ...(caller.kind === 'key' ? { labels: { ...metadata.labels, [LABEL_API_KEY]: caller.id } } : {}),
  },
});

/** No complete answer came: it may have been created. */
const isUncertain = (error: unknown): error is KubeError => isKubeError(error, 'Timeout', 'Unreachable', 'ServerError');

const findCreated = async (
  { kube, settings }: Pick<FacadeDependencies, 'kube' | 'settings'>,
  name: string,
  failure: KubeError,
): Promise<Sandbox> => {
  try {
    return await kube.get<Sandbox>({ type: SANDBOXES, namespace: settings.namespace, name });
  } catch (error) {
    const { problem, headers = {} } = kubeProblem(failure);
    const mayExist = !isKubeError(error, 'NotFound');
    throw new ProblemError({ problem: mayExist ? { ...problem, sandbox_id: name } : problem, headers }, failure);
  }
};
