import type { Condition } from '../../../src/api/condition.ts';
import type { SandboxStatus } from '../../../src/api/sandbox.ts';

const condition = (type: string, status: Condition['status'], reason: string, message: string): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-02T03:04:05Z',
});

/** Ready is False: on the way, for that reason. */
export const notReady = (
  reason: string,
  message = `because of ${reason}`,
  more: SandboxStatus = {},
): SandboxStatus => ({
  observedGeneration: 1,
  conditions: [condition('Ready', 'False', reason, message), condition('Reconciling', 'True', reason, message)],
  ...more,
});

/** Only a person can help. */
export const stalled = (reason: string, message = `because of ${reason}`): SandboxStatus => ({
  observedGeneration: 1,
  conditions: [condition('Ready', 'False', reason, message), condition('Stalled', 'True', reason, message)],
});

/** It runs in the pod of that name. */
export const ready = (podName: string, more: SandboxStatus = {}): SandboxStatus => ({
  observedGeneration: 1,
  podName,
  conditions: [
    condition('Ready', 'True', 'PodReady', 'the sandbox is running'),
    condition('WorkspaceSaved', 'False', 'UnsavedChanges', 'the home has unsaved changes'),
  ],
  ...more,
});

/** At rest, the second generation seen; `saved`: whether the home is. */
export const stopped = (saved: boolean, more: SandboxStatus = {}): SandboxStatus => ({
  observedGeneration: 2,
  stopReason: 'user_requested',
  stoppedAt: '2026-01-02T04:00:00Z',
  conditions: [
    condition('Stopped', 'True', 'Stopped', 'stopped by spec.desiredState'),
    saved
      ? condition('WorkspaceSaved', 'True', 'Saved', 'commit 7')
      : condition('WorkspaceSaved', 'False', 'Fenced', 'the home is in conflicts/'),
  ],
  ...more,
});
