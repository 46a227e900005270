import {
  ANNOTATION_ERROR,
  ANNOTATION_NEW_RUN,
  ANNOTATION_RESULT,
  ANNOTATION_START_FAILURE,
  ANNOTATION_STOP_GRACE_SECONDS,
  ANNOTATION_STOP_REASON,
} from '../api/names.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { errorMessage } from '../base/errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { SandboxPatch } from './change-sandbox.ts';
import type { FacadeDependencies } from './dependencies.ts';
import { requestStop } from './request-stop.ts';
import { explanation } from './sandbox-status.ts';

/** What asks the controller to start a Sandbox that has ended: as a new run, of which nothing is said yet. */
export const startPatch = (runRequest: string): SandboxPatch => ({
  annotations: {
    [ANNOTATION_NEW_RUN]: runRequest,
    [ANNOTATION_STOP_REASON]: null,
    [ANNOTATION_STOP_GRACE_SECONDS]: null,
    [ANNOTATION_START_FAILURE]: null,
    [ANNOTATION_RESULT]: null,
    [ANNOTATION_ERROR]: null,
  },
  spec: { desiredState: 'Running' },
});

/** Whether the controller has taken up that run: what the status said before is of the one before. */
export const isRun =
  (runRequest: string) =>
  ({ status }: Sandbox): boolean =>
    status?.run?.request === runRequest;

/** Gives a start up that has failed, and keeps why on record. Never throws. */
export const giveUpStart = async (
  dependencies: Pick<FacadeDependencies, 'kube' | 'cache' | 'settings' | 'tracer'>,
  log: Log,
  sandbox: Sandbox,
): Promise<void> => {
  if (sandbox.spec.desiredState !== 'Running') return;
  const why = explanation(sandbox);
  try {
    await requestStop(dependencies, sandbox, {
      reason: 'error',
      graceful: true,
      ...(why === undefined ? {} : { startFailure: `${why.reason}: ${why.message}` }),
    });
  } catch (error) {
    // The client hears of the start, which is worse; the Sandbox goes on trying.
    const { name } = sandbox.metadata;
    log.warn(
      { sandbox_id: name, err: error },
      `a sandbox whose start failed could not be stopped: ${errorMessage(error)}`,
    );
  }
};
