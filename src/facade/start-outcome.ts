import { Reason } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { makeProblem, type Problem, type ProblemKind, problemType } from './problem.ts';
import { representSandbox } from './representation.ts';
import { explanation, sandboxState, takesCommands } from './sandbox-status.ts';

/** How a start has ended, as far as the one who asked for it is concerned. */
export type StartOutcome = 'started' | 'failed' | 'stopped';

/** Undefined while the start is under way. */
export const startOutcome = (sandbox: Sandbox): StartOutcome | undefined => {
  const state = sandboxState(sandbox);
  if (takesCommands(state)) return 'started';
  if (state === 'failed') return 'failed';
  return state === 'creating' || state === 'starting' ? undefined : 'stopped';
};

const STORAGE_REASONS: readonly string[] = [
  Reason.StorageUnreachable,
  Reason.StorageForbidden,
  Reason.BucketNotFound,
  Reason.NodeDiskFull,
];
/** What keeps a start from ever ending well, though the controller goes on trying. */
const FAILING_REASONS: readonly string[] = [
  Reason.ImagePullFailed,
  Reason.ContainerFailing,
  Reason.PodFailed,
  Reason.PodRefused,
  Reason.PodNameTaken,
  Reason.TemplateNotFound,
  Reason.OverrideNotAllowed,
  Reason.AllowListRefused,
  Reason.QuotaExceeded,
  Reason.WorkspaceCorrupt,
  Reason.WorkspaceMismatch,
];

/** True while a start has met what makes it fail again and again. */
export const isFailing = (sandbox: Sandbox): boolean => FAILING_REASONS.includes(explanation(sandbox)?.reason ?? '');

/** The problem for a start that has failed or was not over in time; the Sandbox itself is part of it. */
export const startProblem = (
  sandbox: Sandbox,
  outcome: 'failed' | 'stopped' | 'limit',
  sshPort: number | null = null,
): Problem => {
  const why = explanation(sandbox);
  const reason = why?.reason ?? null;
  const { name } = sandbox.metadata;
  const extensions = { sandbox_id: name, reason, sandbox: representSandbox(sandbox, sshPort) };
  const detail = `Sandbox ${name}: ${why?.message ?? 'the controller has not taken it up yet'}`;
  if (outcome === 'stopped') return makeProblem('sandbox-stopped', detail, extensions);
  const asked = askedInVain(sandbox, reason);
  if (asked !== undefined) {
    const error = {
      type: 'value_error',
      loc: ['body', asked.field],
      msg: why?.message ?? '',
      input: asked.value,
    };
    return makeProblem('invalid-input', [error], extensions);
  }
  return makeProblem(problemKind(reason, outcome), detail, extensions);
};

/** Whether the start is given up with this answer, or goes on (or has been ended by somebody else). */
export const givesUp = ({ type }: Problem): boolean =>
  type !== problemType('start-timeout') && type !== problemType('sandbox-stopped');

/** What the request itself named and does not exist: its sender's to mend. */
const askedInVain = ({ spec }: Sandbox, reason: string | null): { field: string; value: string } | undefined => {
  if (reason === Reason.TemplateNotFound) return { field: 'template', value: spec.templateRef.name };
  if (reason === Reason.ImagePullFailed && spec.image !== undefined) return { field: 'image', value: spec.image };
  return undefined;
};

const problemKind = (reason: string | null, outcome: 'failed' | 'limit'): ProblemKind => {
  if (reason === null) return 'start-timeout';
  if (reason === Reason.QuotaExceeded) return 'quota-exceeded';
  if (reason === Reason.OverrideNotAllowed) return 'override-not-allowed';
  if (reason === Reason.WorkspaceInUse) return 'workspace-in-use';
  if (STORAGE_REASONS.includes(reason)) return 'storage-unavailable';
  if (reason === Reason.Unschedulable) return 'no-capacity';
  return outcome === 'failed' || FAILING_REASONS.includes(reason) ? 'start-failed' : 'start-timeout';
};
