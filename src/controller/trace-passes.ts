import { findCondition } from '../api/condition.ts';
import { ANNOTATION_NEW_RUN, ANNOTATION_TRACEPARENT } from '../api/names.ts';
import { SandboxConditionType } from '../api/reasons.ts';
import type { Sandbox } from '../api/sandbox.ts';
import { standingOf } from '../api/standing.ts';
import { parseTraceparent } from '../base/traceparent.ts';
import { errorType, type Span, type Tracer } from '../base/tracer.ts';
import type { Reconcile } from '../runtime/controller.ts';
import type { Caches } from './caches.ts';

/**
 * Each pass over a Sandbox as a span. While a Sandbox is on its way to what a facade asked for in a trace, its passes
 * belong to that trace (ANNOTATION_TRACEPARENT); once it has got there, or nowhere, that trace is over for good, and later
 * passes are traces of their own. Which are over is kept in memory: a process that starts sees each Sandbox once anyway.
 */
export const traceSandboxPasses = (
  tracer: Tracer,
  { sandboxes }: Pick<Caches, 'sandboxes'>,
  reconcile: Reconcile,
): Reconcile => {
  if (!tracer.isOn) return reconcile;
  const over = new Map<string, string>();
  return async (key, context) => {
    const sandbox = sandboxes.store.get(key);
    if (sandbox === undefined) {
      over.delete(key);
      return reconcile(key, context);
    }
    const given = sandbox.metadata.annotations?.[ANNOTATION_TRACEPARENT];
    const look = (): void => {
      const seen = sandboxes.store.get(key);
      if (seen !== undefined && hasArrived(seen))
        over.set(key, seen.metadata.annotations?.[ANNOTATION_TRACEPARENT] ?? '');
    };
    look();
    const span = tracer.open('reconcile sandboxes.matrx.dev', {
      parent: { place: given === over.get(key) ? undefined : parseTraceparent(given) },
      attributes: {
        sandbox_id: sandbox.metadata.name,
        user_id: sandbox.spec.userId,
        reconcileId: context.reconcileId,
      },
    });
    const result = await runPass(span, () => reconcile(key, context));
    // What it has just written may be seen by no other pass before the next thing happens.
    look();
    return result;
  };
};

/** Each pass over a Workspace by itself, likewise; nobody asks for one. */
export const traceWorkspacePasses = (
  tracer: Tracer,
  { workspaces }: Pick<Caches, 'workspaces'>,
  reconcile: Reconcile,
): Reconcile => {
  if (!tracer.isOn) return reconcile;
  return async (key, context) => {
    const workspace = workspaces.store.get(key);
    if (workspace === undefined) return reconcile(key, context);
    const { metadata, spec } = workspace;
    const span = tracer.open('reconcile workspaces.matrx.dev', {
      parent: 'none',
      attributes: { workspace: metadata.name, user_id: spec.userId, reconcileId: context.reconcileId },
    });
    return runPass(span, () => reconcile(key, context));
  };
};

const runPass = async (span: Span, pass: () => ReturnType<Reconcile>): ReturnType<Reconcile> => {
  try {
    const result = await span.run(pass);
    span.note({ result: result.kind });
    span.end('error' in result ? errorType(result.error) : undefined);
    return result;
  } catch (error) {
    span.end(errorType(error));
    throw error;
  }
};

/** Ready, at rest, or stuck until somebody changes something: as the controller has said of what is wanted now. */
const hasArrived = ({ metadata, spec, status }: Sandbox): boolean => {
  if (status?.observedGeneration === undefined || status.observedGeneration !== metadata.generation) return false;
  if (findCondition(status.conditions, SandboxConditionType.Stalled)?.status === 'True') return true;
  const standing = standingOf(status.conditions);
  if (standing?.status !== 'True') return false;
  const newRun = metadata.annotations?.[ANNOTATION_NEW_RUN];
  const isAskedToRun = spec.desiredState === 'Running' && newRun !== undefined && newRun !== status.run?.request;
  return !(isAskedToRun && standing.type === SandboxConditionType.Stopped);
};
