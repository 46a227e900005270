import { rm } from 'node:fs/promises';
import type { Isolation } from '../../api/workspace-cold.ts';
import { backoffDelay, type BackoffPolicy } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { Log } from '../../telemetry/log.ts';
import { CredentialError, type CredentialProvider, type CredentialRequest } from './credentials.ts';
import { writeCredentials } from './credentials-file.ts';
import { keepCredentials } from './keep-credentials.ts';
import type { ColdMount, ColdMountSpec, MountDriver, UploadQueue } from './mount-driver.ts';

/**
 * One sandbox's cold storage:
 *
 *   Mounting → Mounted      the mount answers
 *   Mounted  → Mounting     its process has ended or hangs: mounted anew, with the same cache
 *   Mounting → Failed       tried again with growing pauses; the sandbox runs on without
 *   any      → Draining     the containers are dead: what they wrote is being uploaded
 *   Draining → Closed       everything is in the bucket, the folder is gone
 *   Draining → Unsent       time is over: the folder stays, and whoever mounts it next uploads it
 *   any      → Left         the driver stops; mount and process stay for the next one
 */
export type ColdState = 'Mounting' | 'Mounted' | 'Failed' | 'Draining' | 'Closed' | 'Unsent' | 'Left';
export type ColdFailure = 'CredentialsFailed' | 'MountFailed';

export interface ColdView {
  readonly state: ColdState;
  readonly failure?: { readonly reason: ColdFailure; readonly message: string };
  readonly isolation?: Isolation;
  /** While it drains. */
  readonly queue?: UploadQueue;
}

export interface ColdDeps {
  readonly driver: MountDriver;
  readonly provider: CredentialProvider;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Called after each change. Must not throw. */
  readonly onChange: (view: ColdView) => void;
}

export interface ColdSession {
  readonly view: () => ColdView;
  /** No process writes any more: uploads, for `ms` at most, and unmounts. Answers how many files are not in the bucket. */
  readonly drain: (ms: number) => Promise<number>;
  /** Stops watching and renewing; the mount stays. */
  readonly leave: () => Promise<void>;
}

const RETRY: BackoffPolicy = { baseMs: 1000, maxMs: 30_000 };
const DRAIN_POLL_MS = 200;

/** Begins at once and waits for nothing: a sandbox starts whether or not its cold storage is there. */
export const startColdSession = (
  deps: ColdDeps,
  spec: ColdMountSpec,
  request: () => CredentialRequest,
): ColdSession => {
  const { clock, driver } = deps;
  const log = deps.log.child({ target: spec.target, prefix: spec.prefix });
  const stopping = new AbortController();
  const stopped = Promise.withResolvers<undefined>();
  const firstCredentials = Promise.withResolvers<void>();
  let view: ColdView = { state: 'Mounting' };
  let mount: ColdMount | undefined;

  const change = (next: Partial<ColdView>): void => {
    view = { ...view, ...next };
    deps.onChange(view);
  };
  const isDraining = (): boolean => view.state === 'Draining';
  const failed = (reason: ColdFailure, error: unknown): void => {
    const failure = { reason, message: errorMessage(error) };
    log.warn({ reason, err: error }, 'cold storage is not mounted');
    change(isDraining() ? { failure } : { state: 'Failed', failure });
  };

  const renewing = keepCredentials(
    {
      ...deps,
      write: async (credentials) => {
        await writeCredentials(spec.folder, credentials);
        change({ isolation: credentials.isolation });
        firstCredentials.resolve();
      },
      onFailure: (error) => {
        if (mount === undefined) failed('CredentialsFailed', error);
        else log.warn({ err: error, refused: error instanceof CredentialError }, 'credentials are not renewed yet');
      },
    },
    request,
    stopping.signal,
  );

  const mountOnce = async (): Promise<void> => {
    mount = await driver.mount(spec, stopping.signal);
    const { failure: _, ...rest } = view;
    view = rest;
    change(isDraining() ? {} : { state: 'Mounted' });
    const reason = await Promise.race([mount.ended, stopped.promise]);
    if (reason === undefined) return;
    log.warn({ reason }, 'the cold mount is gone: mounting anew');
    mount = undefined;
    if (!isDraining()) change({ state: 'Mounting' });
  };

  const loop = async (): Promise<void> => {
    await Promise.race([firstCredentials.promise, renewing]);
    for (let failures = 0; !stopping.signal.aborted;) {
      try {
        await mountOnce();
        failures = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        failed('MountFailed', error);
        await clock.sleep(backoffDelay(RETRY, failures, deps.random), stopping.signal).catch(() => undefined);
        failures += 1;
      }
    }
  };
  const running = loop();

  const stop = async (reason: string): Promise<void> => {
    stopping.abort(new Error(reason));
    stopped.resolve(undefined);
    await Promise.all([running, renewing]);
  };

  /** Whether the queue was empty, twice: a file is closed a moment after its process is dead. */
  const untilEmpty = async (ms: number): Promise<void> => {
    const deadline = clock.monotonic() + ms;
    for (let empty = 0; empty < 2 && clock.monotonic() < deadline && !stopping.signal.aborted;) {
      try {
        // Nothing was ever mounted, and nothing is left of an earlier mount.
        if (mount === undefined && (await driver.unsent(spec.folder)) === 0) return;
        await mount?.hurry(stopping.signal);
        const queue = await mount?.queue(stopping.signal);
        if (queue !== undefined) change({ queue });
        empty = queue?.files === 0 ? empty + 1 : 0;
      } catch {
        // It does not answer: the loop above sees to that.
        empty = 0;
      }
      await clock.sleep(DRAIN_POLL_MS, stopping.signal).catch(() => undefined);
    }
  };

  return {
    view: () => view,
    drain: async (ms) => {
      change({ state: 'Draining' });
      await untilEmpty(ms);
      await stop('the sandbox is gone');
      await mount?.unmount();
      // What the disk says counts, not what the process said.
      const unsent = await driver.unsent(spec.folder);
      if (unsent === 0) await rm(spec.folder, { recursive: true, force: true });
      else log.error({ unsent, folder: spec.folder }, 'files are not uploaded yet: kept on this node');
      change({ state: unsent === 0 ? 'Closed' : 'Unsent' });
      return unsent;
    },
    leave: async () => {
      await stop('the driver is stopping');
      mount?.leave();
      change({ state: 'Left' });
    },
  };
};
