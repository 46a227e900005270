import { ANNOTATION_START_FAILURE, ANNOTATION_STOP_GRACE_SECONDS, ANNOTATION_STOP_REASON } from '../api/names.ts';
import type { Sandbox, StopReason } from '../api/sandbox.ts';
import { SANDBOXES } from '../kube/resource-types.ts';
import { type DecidedChange, type SandboxPatch, writeDecided } from './change-sandbox.ts';
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

/**
 * Asks for it. Not `graceful`: its processes are killed at once; the home is saved all the same. Resolves with the
 * Sandbox as it is then. `sandbox` may be behind: a stop that another replica has asked for meanwhile keeps its reason.
 */
export const requestStop = (
  dependencies: Pick<FacadeDependencies, 'kube' | 'cache' | 'settings' | 'tracer'>,
  sandbox: Sandbox,
  request: StopRequest,
): Promise<Sandbox> => {
  const { name, uid } = sandbox.metadata;
  const decide = (seen: Sandbox): DecidedChange => ({ sandbox: seen, patch: stopPatch(seen, request) });
  return writeDecided(dependencies, decide(sandbox), async (conflict) => {
    const { kube, settings } = dependencies;
    const newest = await kube.get<Sandbox>({ type: SANDBOXES, namespace: settings.namespace, name });
    // Never stop another Sandbox that has taken the name.
    if (newest.metadata.uid !== uid) throw conflict;
    return decide(newest);
  });
};
