import { FIELD_MANAGER_FACADE } from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import type { Json } from '../base/json.ts';
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

/**
 * Writes what was decided of a Sandbox, if it is still as it was when that was decided; otherwise decides anew. Resolves
 * with the Sandbox as it is then. Throws 404, 412 and what `decide` throws.
 */
export const changeSandbox = async (
  dependencies: Pick<FacadeDependencies, 'kube' | 'cache' | 'settings'>,
  state: Pick<RequestState, 'caller' | 'signal'>,
  { id, ifMatch = '', decide }: SandboxChange,
): Promise<Sandbox> => {
  const { kube, cache, settings } = dependencies;
  const judge = (sandbox: Sandbox): SandboxPatch | undefined => {
    if (!matches(ifMatch, sandbox)) throw preconditionFailed(sandbox);
    return decide(sandbox);
  };
  const readAndJudge = async () => {
    const sandbox = await readSandbox(dependencies, id, state);
    return { sandbox, patch: judge(sandbox) };
  };
  const judgeFirst = async () => {
    const sandbox = cachedSandbox(dependencies, id, state);
    try {
      if (sandbox !== undefined) return { sandbox, patch: judge(sandbox) };
    } catch {
      // What was just written elsewhere may not have reached this replica's cache: only the API server's word refuses.
    }
    return readAndJudge();
  };
  let judged = await judgeFirst();
  for (let tries = 1; ; tries++) {
    const { sandbox, patch } = judged;
    if (patch === undefined) return sandbox;
    const { uid, resourceVersion } = sandbox.metadata;
    const versions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    };
    const { annotations, spec } = patch;
    try {
      const changed = await kube.mergePatch<Sandbox>(
        { type: SANDBOXES, namespace: settings.namespace, name: id },
        {
          metadata: { ...versions, ...(annotations === undefined ? {} : { annotations }) },
          ...(spec === undefined ? {} : { spec }),
        },
        { fieldManager: FIELD_MANAGER_FACADE, signal: state.signal },
      );
      cache.put(changed);
      return changed;
    } catch (error) {
      if (tries === MAX_TRIES || !isKubeError(error, 'Conflict')) throw error;
      judged = await readAndJudge();
    }
  }
};
