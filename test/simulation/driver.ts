import pino from 'pino';
import type { Clock } from '../../src/base/clock.ts';
import type { Random } from '../../src/base/random.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { anticipatePods } from '../../src/node/anticipate.ts';
import type { ColdVolumes } from '../../src/node/cold/cold-volumes.ts';
import { homePaths } from '../../src/node/home-paths.ts';
import { makeLimiter } from '../../src/node/limiter.ts';
import type { Mounts } from '../../src/node/mounts.ts';
import { noMetrics } from '../../src/node/node-metrics.ts';
import { makeOrphanWatch } from '../../src/node/orphans.ts';
import { publishVolume } from '../../src/node/publish-volume.ts';
import { makeRecentGrants } from '../../src/node/recent-grants.ts';
import { makeRecordRefusal } from '../../src/node/refusal-event.ts';
import { startSession, type SessionDeps } from '../../src/node/session.ts';
import type { SessionRecord } from '../../src/node/session-record.ts';
import { makeSessions } from '../../src/node/sessions.ts';
import { unpublishVolume } from '../../src/node/unpublish-volume.ts';
import { NAMESPACE } from '../support/resources.ts';
import type { Bucket, DiskHome } from './bucket.ts';

/** What outlives the driver's process: the node's disk and its mounts. */
export interface Disk {
  readonly homes: Map<string, DiskHome>;
  readonly journals: Map<string, SessionRecord>;
  /** What is mounted, by where it is. */
  readonly mounted: Map<string, string>;
}

export const makeDisk = (): Disk => ({ homes: new Map(), journals: new Map(), mounted: new Map() });

/** A process of the node driver: the real one, but for disk, mounts and engine. */
export interface Driver {
  readonly publish: (volume: KubeletVolume) => Promise<void>;
  readonly unpublish: (volume: Pick<KubeletVolume, 'volumeId' | 'target'>) => Promise<void>;
  /** The process is killed. What was asked of it is not answered. */
  readonly kill: () => Promise<void>;
}

export interface KubeletVolume {
  readonly volumeId: string;
  readonly target: string;
  readonly token: string;
}

export interface DriverDeps {
  readonly kube: KubeClient;
  readonly bucket: Bucket;
  readonly disk: Disk;
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
}

export const KUBELET_DIR = '/var/lib/kubelet';
const STATE_DIR = '/var/lib/matrx';
/** Homes are looked at less often than by a real driver, because each look takes time to simulate. */
const RPO_MS = 120_000;

const log = pino({ level: 'silent' });

const noCold = {
  open: () => Promise.reject(new Error('there is no cold storage here')),
  begin: () => Promise.resolve(),
  find: () => undefined,
} satisfies Pick<ColdVolumes, 'open' | 'begin' | 'find'>;

export const startDriver = async ({ kube, bucket, disk, node, clock, random }: DriverDeps): Promise<Driver> => {
  const stopping = new AbortController();
  const settings = { namespace: NAMESPACE, node, kubeletDir: KUBELET_DIR, saveWaitMs: 60_000 };
  const keyOf = (record: SessionRecord): string => homePaths(STATE_DIR, record.workspace, record.epoch).journal;
  const save = (record: SessionRecord): Promise<void> => {
    // A killed process writes nothing any more.
    if (!stopping.signal.aborted) disk.journals.set(keyOf(record), record);
    return Promise.resolve();
  };
  const mounts: Mounts = {
    bind: (source, target) => Promise.resolve(void disk.mounted.set(target, source)),
    unbind: (target) => Promise.resolve(void disk.mounted.delete(target)),
    isMounted: (target) => Promise.resolve(disk.mounted.has(target)),
    mountEmpty: () => Promise.reject(new Error('there is no cold storage here')),
    harden: () => Promise.resolve(),
  };
  const deps: SessionDeps = {
    ...settings,
    kube,
    clock,
    random,
    log,
    mounts,
    stateDir: STATE_DIR,
    store: bucket.store,
    openHome: bucket.openHome(disk.homes, node),
    journal: {
      create: save,
      save,
      ensureFolders: () => Promise.resolve(),
      load: () => Promise.resolve({ records: [...disk.journals.values()], unreadable: [] }),
    },
    trash: {
      discard: (paths) => {
        disk.journals.delete(paths.journal);
        disk.homes.delete(paths.home);
        return Promise.resolve();
      },
      empty: () => Promise.resolve(),
    },
    metrics: noMetrics,
    ownerId: 0,
    rpoMs: RPO_MS,
    restores: makeLimiter(2),
    commits: makeLimiter(2),
    finals: makeLimiter(2),
    probeStorage: () => Promise.resolve(bucket.verdict()),
  };
  const sessions = makeSessions({
    journal: deps.journal,
    start: (record, onFinished) => startSession(deps, record, onFinished),
  });
  const callDeps = {
    ...deps,
    ...settings,
    kube,
    sessions,
    cold: noCold,
    volumes: sessions.all,
    recent: makeRecentGrants(clock),
  };
  const publishDeps = { ...callDeps, recordRefusal: makeRecordRefusal(callDeps) };
  const orphans = makeOrphanWatch(callDeps);
  const onPodGone = (podUid: string): void => {
    const held = sessions.all().map((session) => session.view().record);
    if (held.some((record) => record.podUid === podUid && !record.released)) orphans.lookNow();
  };
  await sessions.adopt();
  const watches = [orphans.run(stopping.signal), anticipatePods({ ...callDeps, onPodGone }, stopping.signal)];

  return {
    publish: ({ volumeId, target, token }) =>
      publishVolume(
        publishDeps,
        {
          volumeId,
          targetPath: target,
          volumeCapability: { mount: {} },
          readonly: false,
          secrets: {
            'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify({ 'workspace.matrx.dev': { token } }),
          },
          volumeContext: { tier: 'hot' },
        },
        stopping.signal,
      ),
    unpublish: ({ volumeId, target }) => unpublishVolume(callDeps, { volumeId, targetPath: target }, stopping.signal),
    kill: async () => {
      stopping.abort(new Error('the driver is killed'));
      await Promise.all(sessions.all().map((session) => session.stop()));
      await Promise.all(watches);
    },
  };
};
