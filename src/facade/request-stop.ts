import {
  ANNOTATION_START_FAILURE,
  ANNOTATION_STOP_GRACE_SECONDS,
  ANNOTATION_STOP_REASON,
  FIELD_MANAGER_FACADE,
} from '../api/names.ts';
import type { Sandbox, StopReason } from '../api/sandbox.ts';
import { isKubeError } from '../kube/errors.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import type { SandboxPatch } from './change-sandbox.ts';
import type { FacadeDependencies } from './dependencies.ts';

export interface StopRequest {
  readonly reason: StopReason;
  readonly graceful: boolean;
  /** Of a start that has failed, and which is given up with this. */
  readonly startFailure?: string;
}

/** What asks the controller to stop a Sandbox and keep its record. The reason of an earlier request stays. */
export const stopPatch = ({ spec }: Sandbox, { reason, graceful, startFailure }: StopRequest): SandboxPatch => ({
  annotations: {
    ...(spec.desiredState === 'Stopped' ? {} : { [ANNOTATION_STOP_REASON]: reason }),
    ...(startFailure === undefined ? {} : { [ANNOTATION_START_FAILURE]: startFailure }),
    ...(graceful ? {} : { [ANNOTATION_STOP_GRACE_SECONDS]: '0' }),
  },
  spec: { desiredState: 'Stopped' },
});

/** A conflict is another's write; more of them in a row than this is something else. */
const MAX_TRIES = 5;

/**
 * Asks for it. Not `graceful`: its processes are killed at once; the home is saved all the same. Resolves with the
 * Sandbox as it is then. `sandbox` may be behind: a stop that another replica has asked for meanwhile keeps its reason.
 */
export const requestStop = async (
  { kube, cache, settings }: Pick<FacadeDependencies, 'kube' | 'cache' | 'settings'>,
  sandbox: Sandbox,
  request: StopRequest,
): Promise<Sandbox> => {
  const { name, uid } = sandbox.metadata;
  const ref = { type: SANDBOXES, namespace: settings.namespace, name };
  for (let tries = 1, seen = sandbox; ; tries++) {
    const { annotations = {}, spec = {} } = stopPatch(seen, request);
    const { resourceVersion } = seen.metadata;
    // The uid is a precondition: never stop another Sandbox that has taken the name.
    const metadata = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      annotations,
    };
    try {
      const patched = await kube.mergePatch<Sandbox>(ref, { metadata, spec }, { fieldManager: FIELD_MANAGER_FACADE });
      cache.put(patched);
      return patched;
    } catch (error) {
      if (tries === MAX_TRIES || !isKubeError(error, 'Conflict')) throw error;
      seen = await kube.get<Sandbox>(ref);
    }
  }
};
