import type { Clock } from '../base/clock.ts';
import type { Installation } from '../domain/observed.ts';
import { plan } from '../domain/plan.ts';
import { planWorkspace } from '../domain/plan-workspace.ts';
import type { Reconcile, ReconcileResult } from '../runtime/controller.ts';
import { execute, type Executed, type ExecuteDeps } from './execute.ts';
import { observeSandbox, observeWorkspace } from './observe.ts';

export interface ReconcileDeps extends ExecuteDeps {
  readonly clock: Clock;
  readonly installation?: Installation;
  /** What decides; the domain's own rules unless given. */
  readonly rules?: Rules;
}

/** The two pure functions that a pass asks what to do. */
export interface Rules {
  readonly plan: typeof plan;
  readonly planWorkspace: typeof planWorkspace;
}

const RULES: Rules = { plan, planWorkspace };

/** One pass over a Sandbox: observe from the caches, plan, carry out. */
export const makeSandboxReconcile =
  (deps: ReconcileDeps): Reconcile =>
  async (key, { signal }) => {
    const observed = observeSandbox(deps.caches, key, deps.clock.now(), deps.installation);
    if (observed === undefined) return { kind: 'done' };
    const rules = deps.rules ?? RULES;
    const executed = await execute(deps, observed.sandbox, rules.plan(observed), signal);
    if (executed.refusal === undefined) return resultOf(executed);
    // What the API server has just said is one more thing observed; now the plan can tell the user.
    const refused = { ...observed, refusal: executed.refusal };
    return resultOf(await execute(deps, observed.sandbox, rules.plan(refused), signal));
  };

/** One pass over a Workspace by itself: its conditions, and a lock that nobody is left to give up. */
export const makeWorkspaceReconcile =
  (deps: ReconcileDeps): Reconcile =>
  async (key, { signal }) => {
    const observed = observeWorkspace(deps.caches, key, deps.clock.now(), deps.installation);
    if (observed === undefined) return { kind: 'done' };
    return resultOf(await execute(deps, observed.workspace, (deps.rules ?? RULES).planWorkspace(observed), signal));
  };

const resultOf = ({ requeueAfterMs }: Executed): ReconcileResult =>
  requeueAfterMs === undefined ? { kind: 'done' } : { kind: 'requeueAfter', ms: requeueAfterMs };
