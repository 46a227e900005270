import type { WorkspaceConflict } from '../api/workspace-conflict.ts';
import type { Action, Assumption } from './action.ts';
import { seen, uidOf } from './seen.ts';
import type { Situation } from './step.ts';

/**
 * The writer of `situation` is given up, if by then there is no pod that could write, and what is assumed `also` is so.
 * `conflicts`: all of status.conflicts, where that changes with it.
 */
export const release = (
  { workspace, writer, sandbox }: Situation,
  also: readonly Assumption[] = [],
  conflicts?: readonly WorkspaceConflict[],
): readonly Action[] => {
  if (workspace === undefined || writer.kind !== 'ours') return [];
  return [
    {
      kind: 'releaseWriter',
      workspace: seen(workspace),
      epoch: writer.writer.epoch,
      ...(conflicts === undefined ? {} : { conflicts }),
      assuming: [{ kind: 'noPodOf', podName: sandbox.metadata.name, sandboxUid: uidOf(sandbox) }, ...also],
    },
    {
      kind: 'emitEvent',
      type: 'Normal',
      reason: 'WriterReleased',
      note: `gave up workspace ${workspace.metadata.name}, epoch ${writer.writer.epoch}`,
    },
  ];
};
