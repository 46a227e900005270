import type { Workspace, WorkspaceCommit } from '../api/workspace.ts';
import { backoffDelay, type BackoffPolicy } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { KubeClient, ObjectRef } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { FIELD_MANAGER_NODE } from '../api/names.ts';
import { WORKSPACES } from '../kube/resource-types.ts';
import type { Log } from '../telemetry/log.ts';
import { mergeHistory } from './commit-history.ts';
import { statusPatch, viewKey, type SessionView } from './session-status.ts';

export interface ReporterDeps {
  readonly kube: Pick<KubeClient, 'get' | 'jsonPatch'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly node: string;
}

/** Keeps the Workspace's status saying what the session says. */
export interface SessionReporter {
  /** Returns at once. Views that come while one is being written are coalesced to the last. */
  readonly update: (view: SessionView) => void;
  /** Resolves when the last view has been written, or can never be: the writer is another one, or gone. */
  readonly settled: () => Promise<void>;
  /** Gives up what is not written; a later driver reports the state anew from its journal. */
  readonly stop: () => void;
}

const RETRY: BackoffPolicy = { baseMs: 500, maxMs: 15_000 };

export const makeSessionReporter = (deps: ReporterDeps): SessionReporter => {
  const stopping = new AbortController();
  let latest: SessionView | undefined;
  let written: string | undefined;
  let moot = false;
  let history: readonly WorkspaceCommit[] | undefined;
  let running: Promise<void> | undefined;

  const isDue = (): boolean =>
    !moot && !stopping.signal.aborted && latest !== undefined && viewKey(latest, deps.node) !== written;

  const run = async (): Promise<void> => {
    let failures = 0;
    while (isDue()) {
      const view = latest as SessionView;
      try {
        await write(view);
        written = viewKey(view, deps.node);
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        moot = await isMoot(view, error);
        if (moot) return;
        deps.log.warn({ workspace: view.record.workspace, err: error }, 'cannot report the session; trying again');
        await deps.clock.sleep(backoffDelay(RETRY, failures, deps.random), stopping.signal).catch(() => undefined);
        failures += 1;
      }
    }
  };

  const write = async (view: SessionView): Promise<void> => {
    const before = view.commits.length === 0 ? [] : (history ?? (await readHistory(view)));
    const after = mergeHistory(before, view.commits);
    const changed = after.length > 0 && after[0]?.manifest !== before[0]?.manifest;
    await deps.kube.jsonPatch(
      refOf(view),
      statusPatch(view, deps.node, deps.clock.now(), changed ? after : undefined),
      { subresource: 'status', fieldManager: FIELD_MANAGER_NODE, signal: stopping.signal },
    );
    if (view.commits.length > 0) history = after;
  };

  // What earlier sessions have told: read once, for while this one holds the epoch nobody else writes it.
  const readHistory = async (view: SessionView): Promise<readonly WorkspaceCommit[]> => {
    const workspace = await deps.kube.get<Workspace>(refOf(view), { signal: stopping.signal });
    return workspace.status?.history ?? [];
  };

  // A refused patch is not proof enough: the server answers the same way to a field it does not like, and a Closed that
  // is never reported keeps its Sandbox for ever.
  const isMoot = async (view: SessionView, error: unknown): Promise<boolean> => {
    if (isKubeError(error, 'NotFound')) return true;
    if (!isKubeError(error, 'Invalid')) return false;
    try {
      const workspace = await deps.kube.get<Workspace>(refOf(view), { signal: stopping.signal });
      const writer = workspace.status?.writer;
      return writer?.uid !== view.record.sandboxUid || writer.epoch !== view.record.epoch;
    } catch (getError) {
      return isKubeError(getError, 'NotFound');
    }
  };

  const start = (): void => {
    if (running !== undefined || !isDue()) return;
    running = run().finally(() => {
      running = undefined;
      start();
    });
  };

  return {
    update: (view) => {
      latest = view;
      start();
    },
    settled: async () => {
      for (let current = running; current !== undefined; current = running) await current;
    },
    stop: () => stopping.abort(new Error('the driver is stopping')),
  };
};

const refOf = (view: SessionView): ObjectRef => ({
  type: WORKSPACES,
  namespace: view.record.namespace,
  name: view.record.workspace,
});
