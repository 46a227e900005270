import type { Workspace } from '../api/workspace.ts';
import { backoffDelay, type BackoffPolicy } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { KubeClient, ObjectRef } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { WORKSPACES } from '../kube/resource-types.ts';
import type { Log } from '../telemetry/log.ts';

export interface StatusReporterDeps {
  readonly kube: Pick<KubeClient, 'get' | 'jsonPatch'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Whose part of a Workspace's status is written. */
export interface Reporting {
  readonly namespace: string;
  readonly workspace: string;
  readonly sandboxUid: string;
  readonly epoch: number;
}

/** How what is to be said becomes a write. */
export interface StatusWriter<V> {
  readonly of: (view: V) => Reporting;
  /** Equal for views that say the same: such a view is not written again. */
  readonly key: (view: V) => string;
  /** The API server must refuse it unless the writer of the workspace is still this one, of this epoch. */
  readonly write: (view: V, signal: AbortSignal) => Promise<void>;
}

/** Keeps a part of the Workspace's status saying what is so. */
export interface StatusReporter<V> {
  /** Returns at once. Views that come while one is being written are coalesced to the last. */
  readonly update: (view: V) => void;
  /** Resolves with true when the last view has been written, with false when it can never be: the writer is another one, or gone. */
  readonly settled: () => Promise<boolean>;
  /** With true once a view has been written, with false once none can be. */
  readonly first: Promise<boolean>;
  /** Gives up what is not written; a later driver reports the state anew from its journal. */
  readonly stop: () => void;
}

const RETRY: BackoffPolicy = { baseMs: 500, maxMs: 15_000 };

export const makeStatusReporter = <V>(deps: StatusReporterDeps, writer: StatusWriter<V>): StatusReporter<V> => {
  const stopping = new AbortController();
  const first = Promise.withResolvers<boolean>();
  let latest: V | undefined;
  let written: string | undefined;
  let moot = false;
  let running: Promise<void> | undefined;

  const due = (): V | undefined => {
    if (moot || stopping.signal.aborted || latest === undefined) return undefined;
    return writer.key(latest) === written ? undefined : latest;
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    for (let view = due(); view !== undefined; view = due()) {
      try {
        await writer.write(view, stopping.signal);
        written = writer.key(view);
        first.resolve(true);
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        const of = writer.of(view);
        moot = await isMoot(deps, of, error, stopping.signal);
        if (moot) return first.resolve(false);
        deps.log.warn({ workspace: of.workspace, err: error }, 'cannot report to the workspace; trying again');
        await deps.clock.sleep(backoffDelay(RETRY, failures, deps.random), stopping.signal).catch(() => undefined);
        failures += 1;
      }
    }
  };

  const start = (): void => {
    if (running !== undefined || due() === undefined) return;
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
      return !moot;
    },
    first: first.promise,
    stop: () => stopping.abort(new Error('the driver is stopping')),
  };
};

// A refused patch is not proof enough: the server answers the same way to a field it does not like, and a Closed that
// is never reported keeps its Sandbox for ever.
const isMoot = async (
  deps: StatusReporterDeps,
  of: Reporting,
  error: unknown,
  signal: AbortSignal,
): Promise<boolean> => {
  if (isKubeError(error, 'NotFound')) return true;
  if (!isKubeError(error, 'Invalid')) return false;
  try {
    const workspace = await deps.kube.get<Workspace>(workspaceRef(of), { signal });
    const writer = workspace.status?.writer;
    return writer?.uid !== of.sandboxUid || writer.epoch !== of.epoch;
  } catch (getError) {
    return isKubeError(getError, 'NotFound');
  }
};

export const workspaceRef = ({ namespace, workspace }: Reporting): ObjectRef => ({
  type: WORKSPACES,
  namespace,
  name: workspace,
});
