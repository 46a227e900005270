import { EXPIRED_REASONS, Reason } from '../api/reasons.ts';
import type { SandboxPhase } from '../api/sandbox.ts';
import { isStalled } from './progress-conditions.ts';
import type { Situation, Verdict } from './step.ts';

const FAILED: readonly Reason[] = [Reason.PodFailed, Reason.ImagePullFailed, Reason.ContainerFailing];

/** One word for a table; nothing decides from it. */
export const phaseOf = ({ sandbox, run, podView }: Situation, ready: Verdict): SandboxPhase => {
  if (ready.status === 'True') return 'Ready';
  if (ready.reason === Reason.Stopped) return 'Stopped';
  if (ready.reason === Reason.Suspended) return 'Suspended';
  if (ready.reason === Reason.PodLost) return 'Failed';
  if (EXPIRED_REASONS.includes(ready.reason))
    return sandbox.spec.lifetime?.onExpire === 'Suspend' ? 'Suspended' : 'Stopped';
  if (run.kind !== 'going') return 'Saving';
  if (isStalled(ready) || FAILED.includes(ready.reason)) return 'Failed';
  return podView.kind === 'live' && podView.pod.spec?.nodeName !== undefined ? 'Starting' : 'Pending';
};
