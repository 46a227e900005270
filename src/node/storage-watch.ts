import { STORAGE_CONFIG_MAP, FIELD_MANAGER_NODE } from '../api/names.ts';
import type { StorageReport } from '../api/storage-report.ts';
import { rfc3339, type Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import type { KubeClient } from '../kube/client.ts';
import { CONFIG_MAPS } from '../kube/resource-types.ts';
import type { Log } from '../telemetry/log.ts';

/** The answer of `checkBucket` in src/workspace/s3. */
export type StorageVerdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: NonNullable<StorageReport['reason']>;
      readonly permission: string;
      readonly message: string;
    };

export interface StorageWatchDeps {
  readonly kube: Pick<KubeClient, 'mergePatch'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Never throws. */
  readonly check: (signal: AbortSignal) => Promise<StorageVerdict>;
  readonly bucket: string;
  readonly node: string;
  readonly systemNamespace: string;
}

export interface StorageWatch {
  /** The last verdict; undefined before the first. */
  readonly verdict: () => StorageVerdict | undefined;
  /** Looks now, unless somebody has just looked. Never rejects. */
  readonly probe: () => Promise<StorageVerdict>;
  /** Ends when `signal` is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** A fault is usually put right by a person who waits for it; a good bucket stays good, and each look is six requests. */
const RECHECK_BAD_MS = 30_000;
const RECHECK_GOOD_MS = 5 * 60_000;
/** The report could not be written: the API server is away, which is soon over. */
const RETRY_REPORT_MS = 5000;
/** The store itself would try for minutes; who does not answer six small requests in this time is not there. */
const LOOK_MS = 10_000;
/** Many sessions meet the same fault at once: one look answers all of them. */
const FRESH_MS = 10_000;

/** Looks whether the bucket can be used, and tells the controller, which has no credential to look for itself. */
export const makeStorageWatch = (deps: StorageWatchDeps): StorageWatch => {
  let last: { readonly verdict: StorageVerdict; readonly at: number } | undefined;
  let looking: Promise<StorageVerdict> | undefined;

  const look = (): Promise<StorageVerdict> => {
    looking ??= lookOnce().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const lookOnce = async (): Promise<StorageVerdict> => {
    const verdict = await checkInTime(deps);
    logChange(deps, last?.verdict, verdict);
    last = { verdict, at: deps.clock.monotonic() };
    return verdict;
  };

  const lookAndReport = async (signal: AbortSignal): Promise<number> => {
    const verdict = await look();
    if (signal.aborted) return 0;
    try {
      await report(deps, verdict, signal);
    } catch (error) {
      if (signal.aborted) return 0;
      deps.log.warn({ err: error, configMap: STORAGE_CONFIG_MAP }, 'cannot report the state of the storage');
      return RETRY_REPORT_MS;
    }
    return verdict.ok ? RECHECK_GOOD_MS : RECHECK_BAD_MS;
  };

  return {
    verdict: () => last?.verdict,
    probe: async () => {
      const isFresh = last !== undefined && deps.clock.monotonic() - last.at < FRESH_MS;
      return isFresh && last !== undefined ? last.verdict : look();
    },
    run: async (signal) => {
      while (!signal.aborted) {
        const pause = await lookAndReport(signal);
        await deps.clock.sleep(pause, signal).catch(() => undefined);
      }
    },
  };
};

const checkInTime = async (deps: StorageWatchDeps): Promise<StorageVerdict> => {
  try {
    return await withDeadline(deps.clock, { what: 'the look at the bucket', ms: LOOK_MS }, deps.check);
  } catch {
    return {
      ok: false,
      reason: 'Unreachable',
      permission: '',
      message: `bucket ${deps.bucket} has not answered for ${LOOK_MS / 1000} s`,
    };
  }
};

const report = async (deps: StorageWatchDeps, verdict: StorageVerdict, signal: AbortSignal): Promise<void> => {
  const entry: StorageReport = { ...verdict, bucket: deps.bucket, checkedAt: rfc3339(deps.clock.now()) };
  await deps.kube.mergePatch(
    { type: CONFIG_MAPS, namespace: deps.systemNamespace, name: STORAGE_CONFIG_MAP },
    { data: { [deps.node]: JSON.stringify(entry) } },
    { fieldManager: FIELD_MANAGER_NODE, signal },
  );
};

const logChange = (deps: StorageWatchDeps, before: StorageVerdict | undefined, found: StorageVerdict): void => {
  const fields = { bucket: deps.bucket, ...found };
  if (!found.ok) deps.log.error(fields, 'the bucket cannot be used');
  else if (before?.ok !== true) deps.log.info(fields, 'the bucket can be used');
};
