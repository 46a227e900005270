import type { ColdVolumes } from '../../../src/node/cold/cold-volumes.ts';
import { mkdtemp, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pino from 'pino';
import type { NodePublishVolumeRequest } from '../../../src/node/csi-descriptor.ts';
import { CsiError } from '../../../src/node/csi-error.ts';
import { makeTrash } from '../../../src/node/discard-home.ts';
import { homePaths, homesDir } from '../../../src/node/home-paths.ts';
import { makeLimiter } from '../../../src/node/limiter.ts';
import type { Mounts } from '../../../src/node/mounts.ts';
import { noMetrics } from '../../../src/node/node-metrics.ts';
import { publishVolume } from '../../../src/node/publish-volume.ts';
import { makeRecordRefusal } from '../../../src/node/refusal-event.ts';
import { makeSessionJournal } from '../../../src/node/session-journal.ts';
import { startSession, type SessionDeps } from '../../../src/node/session.ts';
import { makeSessions, type Sessions } from '../../../src/node/sessions.ts';
import { unpublishVolume } from '../../../src/node/unpublish-volume.ts';
import type { ObjectStore } from '../../../src/workspace/object-store.ts';
import { encodeHead } from '../../../src/workspace/head.ts';
import { makeSeededRandom } from '../../support/seeded-random.ts';
import { makeVirtualClock, type VirtualClock } from '../../support/virtual-clock.ts';
import { makeEffects, type Death, type Effects } from './effects.ts';
import { makeFakeBucket, type FakeBucket } from './fake-bucket.ts';
import { makeFakeCluster, NODE, type FakeCluster } from './fake-cluster.ts';

export const SYSTEM = { namespace: 'sandboxes', node: NODE, kubeletDir: '/var/lib/kubelet', saveWaitMs: 60_000 };
export const TARGET = '/var/lib/kubelet/pods/pod-uid/volumes/kubernetes.io~csi/home/mount';
/** The journal is synced to disk at every step; these tests are about its order, not about the disk. */
const MEMORY = '/dev/shm';
const GIVE_UP_MS = 20_000;
export const VOLUME = 'csi-1';
const forever = new AbortController().signal;

/** A driver process: dies with its effects, and leaves the world as it is. */
export interface TestDriver {
  readonly sessions: Sessions;
  readonly effects: Effects;
  readonly publish: (volumeId?: string) => Promise<void>;
  readonly unpublish: (volumeId?: string) => Promise<void>;
}

/** One node with its disk, its mounts, a cluster and a bucket. They outlive any driver process. */
export interface World {
  readonly clock: VirtualClock;
  readonly bucket: FakeBucket;
  readonly cluster: FakeCluster;
  readonly stateDir: string;
  readonly mounted: Map<string, string>;
  /** Starts a driver that adopts what is on the disk. */
  readonly boot: (death?: Death) => Promise<TestDriver>;
  /** The machine goes down: nothing is mounted, nothing runs. Then `boot` again. */
  readonly reboot: () => void;
  /** Writes as the container would: through the mount. Throws where nothing is mounted. */
  readonly write: (name: string, text: string) => Promise<void>;
  /** Lets time pass until `condition` holds, or `act` has ended. */
  readonly until: (condition: () => boolean | Promise<boolean>) => Promise<void>;
  readonly homes: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

const noRecent = { recall: (): undefined => undefined };

const noCold: Pick<ColdVolumes, 'open' | 'find'> = {
  open: () => Promise.reject(new Error('there is no cold storage here')),
  find: () => undefined,
};

export const makeWorld = async (files: Readonly<Record<string, string>> = {}): Promise<World> => {
  const stateDir = await mkdtemp(path.join(MEMORY, 'matrx-node-'));
  await mkdir(homesDir(stateDir));
  const clock = makeVirtualClock();
  const bucket = makeFakeBucket(files);
  const cluster = makeFakeCluster();
  const mounted = new Map<string, string>();
  const drivers: TestDriver[] = [];
  const log = pino({ level: 'silent' });
  const random = makeSeededRandom(1);

  const mountsOf = (effects: Effects): Mounts => ({
    bind: (source, target) =>
      effects.run('mounts.bind', () => {
        mounted.set(target, source);
        return Promise.resolve();
      }),
    unbind: (target) =>
      effects.run('mounts.unbind', () => {
        mounted.delete(target);
        return Promise.resolve();
      }),
    mountEmpty: () => Promise.reject(new Error('there is no cold storage here')),
    isMounted: (target) => Promise.resolve(mounted.has(target)),
    harden: () => Promise.resolve(),
  });

  const boot = async (death?: Death): Promise<TestDriver> => {
    const effects = makeEffects(death);
    const disk = makeSessionJournal({ stateDir, ownerId: process.getuid?.() ?? 0 });
    const trash = makeTrash({ stateDir, random, log });
    const kube = cluster.client(effects);
    const mounts = mountsOf(effects);
    const deps: SessionDeps = {
      ...SYSTEM,
      kube,
      clock,
      random,
      log,
      mounts,
      stateDir,
      store: headOnlyStore(bucket),
      openHome: bucket.openHome(effects),
      journal: {
        create: (record) => effects.run('journal.create', () => disk.create(record)),
        ensureFolders: (record) => effects.run('journal.ensureFolders', () => disk.ensureFolders(record)),
        save: (record) => effects.run('journal.save', () => disk.save(record)),
        load: disk.load,
      },
      trash: { discard: (paths) => effects.run('trash.discard', () => trash.discard(paths)), empty: trash.empty },
      metrics: noMetrics,
      ownerId: 0,
      rpoMs: 10_000,
      restores: makeLimiter(2),
      commits: makeLimiter(2),
      finals: makeLimiter(2),
      probeStorage: () => Promise.resolve(bucket.verdict()),
    };
    const sessions = makeSessions({
      journal: deps.journal,
      start: (record, onFinished) => startSession(deps, record, onFinished),
    });
    await sessions.adopt();
    const recordRefusal = makeRecordRefusal({ ...deps, kube });
    const driver: TestDriver = {
      sessions,
      effects,
      publish: (volumeId = VOLUME) =>
        publishVolume(
          { ...deps, ...SYSTEM, kube, sessions, cold: noCold, recordRefusal, recent: noRecent },
          publishCall(volumeId),
          forever,
        ),
      unpublish: (volumeId = VOLUME) =>
        unpublishVolume({ ...deps, ...SYSTEM, sessions, cold: noCold }, { volumeId, targetPath: TARGET }, forever),
    };
    drivers.push(driver);
    return driver;
  };

  const until: World['until'] = async (condition) => {
    const giveUpAt = Date.now() + GIVE_UP_MS;
    while (Date.now() < giveUpAt) {
      if (await condition()) return;
      // Real file operations get their turn before time moves on.
      await stat(stateDir);
      if (!drivers.some(({ effects }) => effects.isBusy())) await clock.advanceToNext();
    }
    const session = JSON.stringify(cluster.session());
    throw new Error(`never came about; session ${session}, mounted ${[...mounted.keys()].join()}`);
  };

  return {
    clock,
    bucket,
    cluster,
    stateDir,
    mounted,
    boot,
    reboot: () => {
      mounted.clear();
      bucket.reboot();
    },
    until,
    write: async (name, text) => {
      const home = mounted.get(TARGET);
      if (home === undefined) throw new Error('nothing is mounted: no container runs');
      await writeFile(path.join(home, name), text);
    },
    homes: async () => (await readdir(homesDir(stateDir))).filter((name) => !name.startsWith('.')),
    close: async () => {
      for (const driver of drivers.filter(({ effects }) => !effects.isDead())) {
        const stopped = watchCall(driver.sessions.stop(clock, 0));
        await until(() => stopped.state() !== 'pending' || driver.effects.isDead());
      }
      await rm(stateDir, { recursive: true, force: true });
    },
  };
};

export const homeOf = (world: World): string => homePaths(world.stateDir, 'ann', 1).home;

const publishCall = (volumeId: string): NodePublishVolumeRequest => ({
  volumeId,
  targetPath: TARGET,
  volumeCapability: { mount: {} },
  readonly: false,
  secrets: {
    'csi.storage.k8s.io/serviceAccount.tokens': JSON.stringify({
      'workspace.matrx.dev': { token: 'token of pod-uid' },
    }),
  },
  volumeContext: { tier: 'hot' },
});

/** Calls as kubelet does: again and again until it is done. Ends early when the driver has died. */
export const asKubelet = async (world: World, driver: TestDriver, call: () => Promise<void>): Promise<void> => {
  let attempt = watchCall(call());
  await world.until(() => {
    if (driver.effects.isDead() || attempt.state() === 'done') return true;
    if (attempt.state() === 'failed') {
      if (!(attempt.error() instanceof CsiError)) throw attempt.error();
      attempt = watchCall(call());
    }
    return false;
  });
};

/** A promise that can be looked at without waiting for it. */
export interface WatchedCall {
  readonly state: () => 'pending' | 'done' | 'failed';
  readonly error: () => unknown;
}

export const watchCall = (call: Promise<void>): WatchedCall => {
  let state: 'pending' | 'done' | 'failed' = 'pending';
  let thrown: unknown;
  const watch = async (): Promise<void> => {
    try {
      await call;
      state = 'done';
    } catch (error) {
      thrown = error;
      state = 'failed';
    }
  };
  void watch();
  return { state: () => state, error: () => thrown };
};

// All that sessions themselves read from a bucket is the HEAD that fenced them.
const headOnlyStore = (bucket: FakeBucket): ObjectStore =>
  ({
    name: 's3://bucket',
    get: () =>
      Promise.resolve({
        body: encodeHead({
          epoch: bucket.epoch(),
          sequence: 0,
          manifest: undefined,
          manifestSha256: undefined,
          committedAt: 0,
          files: 0,
          bytes: 0,
          writer: 'sandbox/other on node-2',
          nonce: 'n',
        }),
        etag: '"1"',
      }),
  }) as unknown as ObjectStore;
