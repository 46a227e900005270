import { type Condition, findCondition } from '../../src/api/condition.ts';
import type { Pod } from '../../src/api/pod.ts';
import type { SandboxStatus } from '../../src/api/sandbox.ts';
import type { Workspace, WorkspaceHead } from '../../src/api/workspace.ts';
import type { Action } from '../../src/domain/action.ts';
import type { Observed } from '../../src/domain/observed.ts';
import { plan } from '../../src/domain/plan.ts';
import {
  aPodOf,
  aRunningPodOf,
  aSandbox,
  aSession,
  aTemplate,
  aWorkspace,
  heldBy,
  type SandboxBuilder,
} from '../support/resources.ts';

export const NOW = Date.UTC(2026, 0, 1, 12);
export const demo = aSandbox('demo').finalized();
export const sandbox = demo.build();
export const head: WorkspaceHead = {
  epoch: 2,
  sequence: 41,
  manifest: 'm',
  committedAt: '2026-01-01T11:59:00Z',
  files: 3,
  bytes: 9,
};

/** What is planned for the Sandbox, with a template and whatever else is `seen`. */
export const planned = (of: SandboxBuilder, seen: Partial<Omit<Observed, 'sandbox'>> = {}): readonly Action[] =>
  plan({ now: NOW, sandbox: of.build(), template: aTemplate(), workspace: undefined, pod: undefined, ...seen });
export const kinds = (actions: readonly Action[]): readonly string[] =>
  actions.map(({ kind }) => kind).filter((kind) => kind !== 'emitEvent');
export const statusOf = (actions: readonly Action[]): SandboxStatus => {
  const write = actions.find(({ kind }) => kind === 'writeSandboxStatus');
  if (write?.kind !== 'writeSandboxStatus') throw new Error(`no status among ${kinds(actions).join(', ')}`);
  return write.status;
};
export const said = (actions: readonly Action[], type: string): Condition | undefined =>
  findCondition(statusOf(actions).conditions, type);
export const events = (actions: readonly Action[]): readonly string[] =>
  actions.flatMap((action) => (action.kind === 'emitEvent' ? [action.reason] : []));

export const held = (session?: Parameters<typeof aSession>, more: Partial<Workspace['status']> = {}): Workspace =>
  aWorkspace('ann', {
    ...heldBy(sandbox),
    ...(session === undefined ? {} : { session: aSession(...session) }),
    ...more,
  });
export const running = aRunningPodOf(sandbox);
export const scheduled = (status: Pod['status'] = {}): Pod =>
  aPodOf(sandbox, { phase: 'Pending', ...status }, 'node-1');
export const waiting = (reason: string, message = ''): Pod =>
  scheduled({
    containerStatuses: [{ name: 'sandbox', ready: false, restartCount: 0, state: { waiting: { reason, message } } }],
  });
export const terminating = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T11:00:00Z' },
});
