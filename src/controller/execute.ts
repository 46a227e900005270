import type { KubeObject } from '../api/meta.ts';
import { traceAnnotation } from '../api/trace-annotation.ts';
import type { Tracer } from '../base/tracer.ts';
import type { Action } from '../domain/action.ts';
import type { PodRefusal } from '../domain/observed.ts';
import type { EventRecorder } from '../runtime/events.ts';
import type { RuntimeLog } from '../runtime/log.ts';
import { carryOut, type CarryOutDeps, type Write } from './carry-out.ts';

export interface ExecuteDeps extends CarryOutDeps {
  readonly events: Pick<EventRecorder, 'record'>;
  readonly log: RuntimeLog;
  /** Off unless given. */
  readonly tracer?: Tracer;
}

export interface Executed {
  /** Milliseconds after which to look again; undefined: when something changes. */
  readonly requeueAfterMs: number | undefined;
  /** The API server will not have the pod; the actions after it were not carried out. */
  readonly refusal: PodRefusal | undefined;
}

/** Steady business; everything else is a turn in somebody's life and is logged as one. */
const ROUTINE: readonly Action['kind'][] = ['writeSandboxStatus', 'writeWorkspaceConditions'];

/**
 * Carries out actions in their order and stops at the first that fails, by throwing its KubeError: what follows may
 * rest on it, and the next pass starts from what is then so. `subject` is what the events are about.
 */
export const execute = async (
  deps: ExecuteDeps,
  subject: KubeObject,
  actions: readonly Action[],
  signal: AbortSignal,
): Promise<Executed> => {
  let requeueAfterMs: number | undefined;
  for (const action of actions) {
    if (action.kind === 'requeue') {
      requeueAfterMs = action.afterMs;
    } else if (action.kind === 'emitEvent') {
      const { type, reason, note } = action;
      deps.events.record({ regarding: subject, type, reason, action: 'Reconcile', note });
    } else {
      const refusal = await carryOut(deps, traced(action, deps.tracer), signal);
      if (refusal !== undefined) return { requeueAfterMs, refusal };
      deps.tracer?.current()?.event(action.kind, detail(action));
      const level = ROUTINE.includes(action.kind) ? 'debug' : 'info';
      deps.log[level](
        { kind: subject.kind, name: subject.metadata.name, action: action.kind, ...detail(action) },
        'acted',
      );
    }
  }
  return { requeueAfterMs, refusal: undefined };
};

/** A pod tells the node driver of the pass that it was made in. */
const traced = (action: Write, tracer: Tracer | undefined): Write => {
  if (action.kind !== 'createPod' || tracer?.isOn !== true) return action;
  const { pod } = action;
  const annotations = { ...pod.metadata.annotations, ...traceAnnotation(tracer) };
  return { ...action, pod: { ...pod, metadata: { ...pod.metadata, annotations } } };
};

const detail = (action: Action): Readonly<Record<string, string | number>> => {
  if (action.kind === 'acquireWriter') return { workspace: action.workspace.name, epoch: action.writer.epoch };
  if (action.kind === 'releaseWriter') return { workspace: action.workspace.name, epoch: action.epoch };
  if (action.kind === 'deletePod') return { pod: action.name, uid: action.uid };
  return {};
};
