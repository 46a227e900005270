import { FIELD_MANAGER_FACADE } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { traceAnnotation } from '../api/trace-annotation.ts';
import type { Json } from '../base/json.ts';
import { pick } from '../base/pick.ts';
import { isKubeError } from '../kube/errors.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { matches, preconditionFailed } from './entity-tag.ts';
import { cachedSandbox, readSandbox } from './find-sandbox.ts';
import type { RequestState } from './request-state.ts';

/** A merge patch (RFC 7396). */
export interface SandboxPatch {
  readonly annotations?: Readonly<Record<string, string | null>>;
  readonly spec?: Readonly<Record<string, Json>>;
}

export interface SandboxChange {
  readonly id: string;
  /** The header, `''` where there was none. */
  readonly ifMatch?: string;
  /** What to write to the Sandbox as it is; undefined: nothing. Throws what the caller is answered. */
  readonly decide: (sandbox: Sandbox) => SandboxPatch | undefined;
}

/** A conflict is another's write; more of them in a row than this is something else. */
const MAX_TRIES = 5;

/** A Sandbox as it was seen, and what is to be written to it; undefined: nothing. */
export interface DecidedChange {
  readonly sandbox: Sandbox;
  readonly patch: SandboxPatch | undefined;
}

type ChangeDependencies = Pick<FacadeDependencies, 'kube' | 'cache' | 'settings' | 'tracer'>;

/**
 * Writes it, if the Sandbox is still the one that was seen, and as it was; otherwise what `again` decides, which gets the
 * refusal and may throw it. Resolves with the Sandbox as it is then.
 */
export const writeDecided = async (
  { kube, cache, settings, tracer }: ChangeDependencies,
  first: DecidedChange,
  again: (conflict: unknown) => Promise<DecidedChange>,
  signal?: AbortSignal,
): Promise<Sandbox> => {
  let decided = first;
  for (let tries = 1; ; tries++) {
    const { sandbox, patch } = decided;
    if (patch === undefined) return sandbox;
    const { name } = sandbox.metadata;
    const { spec } = patch;
    const annotations =
      spec?.['desiredState'] === undefined ? patch.annotations : { ...patch.annotations, ...traceAnnotation(tracer) };
    const metadata = {
      ...pick(sandbox.metadata, 'uid', 'resourceVersion'),
      ...(annotations === undefined ? {} : { annotations }),
    };
    try {
      const changed = await kube.mergePatch<Sandbox>(
        { type: SANDBOXES, namespace: settings.namespace, name },
        { metadata, ...(spec === undefined ? {} : { spec }) },
        { fieldManager: FIELD_MANAGER_FACADE, ...(signal === undefined ? {} : { signal }) },
      );
      cache.put(changed);
      return changed;
    } catch (error) {
      if (tries === MAX_TRIES || !isKubeError(error, 'Conflict')) throw error;
      decided = await again(error);
    }
  }
};

/**
 * Writes what was decided of a Sandbox, if it is still as it was when that was decided; otherwise decides anew. Resolves
 * with the Sandbox as it is then. Throws 404, 412 and what `decide` throws.
 */
export const changeSandbox = async (
  dependencies: ChangeDependencies,
  state: Pick<RequestState, 'caller' | 'signal'>,
  { id, ifMatch = '', decide }: SandboxChange,
): Promise<Sandbox> => {
  const judge = (sandbox: Sandbox): SandboxPatch | undefined => {
    if (!matches(ifMatch, sandbox)) throw preconditionFailed(sandbox);
    return decide(sandbox);
  };
  const readAndJudge = async (): Promise<DecidedChange> => {
    const sandbox = await readSandbox(dependencies, id, state);
    return { sandbox, patch: judge(sandbox) };
  };
  const judgeFirst = async (): Promise<DecidedChange> => {
    const sandbox = cachedSandbox(dependencies, id, state);
    try {
      if (sandbox !== undefined) return { sandbox, patch: judge(sandbox) };
    } catch {
      // What was just written elsewhere may not have reached this replica's cache: only the API server's word refuses.
    }
    return readAndJudge();
  };
  return writeDecided(dependencies, await judgeFirst(), readAndJudge, state.signal);
};
