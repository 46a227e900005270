import type { Action } from '../../../src/domain/action.ts';
import { homeOf } from '../../../src/domain/home.ts';
import type { Observed } from '../../../src/domain/observed.ts';
import { plan } from '../../../src/domain/plan.ts';
import { planWorkspace } from '../../../src/domain/plan-workspace.ts';
import type { ApiServer } from '../../support/model-api-server/api-server.ts';
import type { KindOfObject, Snapshot } from '../../support/model-api-server/kinds.ts';
import { Refused } from '../../support/model-api-server/refused.ts';
import { Broken } from './broken.ts';
import { carryOut } from './carry-out.ts';

/** How many states each cache is behind. */
export type Lag = Readonly<Partial<Record<KindOfObject, number>>>;

/** A view put together from caches that lag independently. */
export const view = ({ history, newest }: ApiServer, lag: Lag): Snapshot => {
  const at = (kind: KindOfObject): Snapshot => history[Math.max(0, history.length - 1 - (lag[kind] ?? 0))] as Snapshot;
  return {
    ...newest(),
    sandboxes: at('sandboxes').sandboxes,
    workspaces: at('workspaces').workspaces,
    pods: at('pods').pods,
    templates: at('templates').templates,
    nodes: at('nodes').nodes,
  };
};

export const observe = (name: string, world: Snapshot, now: number): Observed | undefined => {
  const sandbox = world.sandboxes.get(name);
  if (sandbox === undefined) return undefined;
  const home = homeOf(sandbox);
  return {
    now,
    sandbox,
    template: world.templates.get(sandbox.spec.templateRef.name),
    workspace: home.kind === 'workspace' ? world.workspaces.get(home.name) : undefined,
    pod: world.pods.get(name),
    nodes: world.nodes,
  };
};

export interface PassOptions {
  readonly lag?: Lag;
  /** The process dies after so many actions. */
  readonly crashAfter?: number;
}

/** One pass over a Sandbox; the actions that were carried out. */
export const reconcileSandbox = (api: ApiServer, name: string, options: PassOptions = {}): readonly Action[] => {
  const observed = observe(name, view(api, options.lag ?? {}), api.now());
  if (observed === undefined) return [];
  const { done, failed } = run(api, name, plan(observed), options.crashAfter);
  if (failed !== 'createPod') return done;
  const refusal = { reason: 'PodNameTaken', message: 'a foreign pod has the name' } as const;
  const replanned = plan({ ...observed, refusal });
  return [
    ...done,
    ...run(
      api,
      name,
      replanned.filter(({ kind }) => kind === 'writeSandboxStatus'),
    ).done,
  ];
};

/** One pass over a Workspace. */
export const reconcileWorkspace = (api: ApiServer, name: string, options: PassOptions = {}): readonly Action[] => {
  const world = view(api, options.lag ?? {});
  const workspace = world.workspaces.get(name);
  if (workspace === undefined) return [];
  const holder = workspace.status?.writer?.sandbox ?? '';
  const observed = {
    now: api.now(),
    workspace,
    holder: world.sandboxes.get(holder),
    pod: world.pods.get(holder),
    nodes: world.nodes,
  };
  const { done } = run(api, name, planWorkspace(observed), options.crashAfter);
  const living = [...api.newest().sandboxes.values()].some(
    ({ metadata }) => metadata.uid === workspace.status?.writer?.uid,
  );
  if (living && done.some(({ kind }) => kind === 'releaseWriter'))
    throw new Broken('a lock is taken from a living sandbox');
  return done;
};

const run = (
  api: ApiServer,
  name: string,
  actions: readonly Action[],
  crashAfter = Infinity,
): { readonly done: readonly Action[]; readonly failed?: Action['kind'] } => {
  const done: Action[] = [];
  for (const action of actions.slice(0, crashAfter)) {
    try {
      carryOut(api, name, action);
    } catch (error) {
      if (error instanceof Refused) return { done, failed: action.kind };
      throw error;
    }
    done.push(action);
  }
  return { done };
};

const QUIET: readonly Action['kind'][] = ['emitEvent', 'requeue'];
export const writes = (actions: readonly Action[]): readonly Action[] =>
  actions.filter(({ kind }) => !QUIET.includes(kind));
