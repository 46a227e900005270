import { chmod, mkdir } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Tracer } from '../base/tracer.ts';
import type { KubeClient } from '../kube/client.ts';
import type { HealthCheck } from '../runtime/health.ts';
import type { Part } from '../runtime/manager.ts';
import type { Log } from '../telemetry/log.ts';
import type { Home, HomeOptions } from '../workspace/home.ts';
import type { ObjectStore } from '../workspace/object-store.ts';
import { anticipatePods } from './anticipate.ts';
import { makeColdJournal } from './cold/cold-journal.ts';
import { startColdVolume, type ColdVolumeDeps } from './cold/cold-volume.ts';
import { makeColdVolumes } from './cold/cold-volumes.ts';
import { makeCsiServices } from './csi-service.ts';
import { makeTrash } from './discard-home.ts';
import { serveGrpcSocket, type GrpcSocket } from './grpc-socket.ts';
import { homesDir } from './home-paths.ts';
import { csiSocketPath, registerWithKubelet, type KubeletRegistration } from './kubelet-registration.ts';
import { makeLimiter } from './limiter.ts';
import type { Mounts } from './mounts.ts';
import type { NodeMetrics } from './node-metrics.ts';
import { makeOrphanWatch, type PodVolume } from './orphans.ts';
import { publishVolume } from './publish-volume.ts';
import { purgeWorkspaces } from './purge-workspaces.ts';
import { makeRecentGrants } from './recent-grants.ts';
import { makeRecordRefusal } from './refusal-event.ts';
import { makeSessionJournal } from './session-journal.ts';
import { startSession, type SessionDeps } from './session.ts';
import type { SessionView } from './session-status.ts';
import { makeSessions } from './sessions.ts';
import { makeStorageWatch, type StorageVerdict } from './storage-watch.ts';
import { unpublishVolume } from './unpublish-volume.ts';

export interface NodeDriverDeps {
  readonly kube: Pick<KubeClient, 'get' | 'list' | 'watch' | 'create' | 'jsonPatch' | 'mergePatch'>;
  readonly store: ObjectStore;
  readonly openHome: (options: HomeOptions) => Promise<Home>;
  readonly checkStorage: (signal: AbortSignal) => Promise<StorageVerdict>;
  readonly mounts: Mounts;
  /** How cold storage is mounted, and with whose credentials. */
  readonly cold: Pick<ColdVolumeDeps, 'drivers' | 'provider'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: NodeMetrics;
  /** Off unless given. */
  readonly tracer?: Tracer;
}

export interface NodeDriverSettings {
  readonly node: string;
  readonly namespace: string;
  readonly systemNamespace: string;
  readonly stateDir: string;
  /** Holds what is not uploaded of cold storage: on a disk that survives a reboot. */
  readonly coldDir: string;
  readonly kubeletDir: string;
  readonly bucket: string;
  readonly version: string;
  /** uid and gid of the homes. */
  readonly ownerId: number;
  readonly rpoMs: number;
  /** How long a pod's end waits for its home to be saved, in milliseconds. */
  readonly saveWaitMs: number;
  /** How long the driver's own end waits for last commits, in milliseconds. */
  readonly drainMs: number;
}

export interface NodeDriver {
  /**
   * Its start adopts what an earlier driver left, then serves kubelet; rejects when a socket or a folder cannot be made.
   * Its stop takes no new call, makes one last commit of each open home and leaves the mounts: the sandboxes run on.
   */
  readonly part: Part;
  readonly readiness: readonly HealthCheck[];
  /** What is known of each home on this node. */
  readonly views: () => readonly SessionView[];
}

/** Each holds packs in memory: more at once would cost more memory than it would save time. */
const RESTORES_AT_ONCE = 2;
const COMMITS_AT_ONCE = 2;
const FINALS_AT_ONCE = 2;
/** What a call that waits gets to hear that the driver stops, in milliseconds. */
const CALL_GRACE_MS = 2000;

export const makeNodeDriver = (deps: NodeDriverDeps, settings: NodeDriverSettings): NodeDriver => {
  const { log, clock, mounts } = deps;
  const storage = makeStorageWatch({ ...deps, ...settings, check: deps.checkStorage });
  const trash = makeTrash({ stateDir: settings.stateDir, random: deps.random, log });
  const journal = makeSessionJournal(settings);
  const sessionDeps: SessionDeps = {
    ...deps,
    ...settings,
    journal,
    trash,
    restores: makeLimiter(RESTORES_AT_ONCE),
    commits: makeLimiter(COMMITS_AT_ONCE),
    finals: makeLimiter(FINALS_AT_ONCE),
    probeStorage: storage.probe,
  };
  const sessions = makeSessions({
    journal,
    start: (record, onFinished) => startSession(sessionDeps, record, onFinished),
  });
  const coldJournal = makeColdJournal(settings.coldDir);
  const coldDeps: ColdVolumeDeps = { ...deps, ...deps.cold, ...settings, journal: coldJournal };
  const cold = makeColdVolumes({
    journal: coldJournal,
    start: (record, beginning, onFinished) => startColdVolume(coldDeps, record, beginning, onFinished),
  });
  const stopping = new AbortController();
  const volumes = (): readonly PodVolume[] => [...sessions.all(), ...cold.all()];
  const callDeps = { ...deps, ...settings, sessions, cold, volumes, recent: makeRecentGrants(clock) };
  const orphans = makeOrphanWatch(callDeps);
  const onPodGone = (podUid: string): void => {
    const isHeld = ({ view }: PodVolume): boolean => view().record.podUid === podUid && !view().record.released;
    if (volumes().some(isHeld)) orphans.lookNow();
  };
  const services = makeCsiServices({
    ...callDeps,
    stopping: stopping.signal,
    publish: (request, signal) =>
      publishVolume({ ...callDeps, recordRefusal: makeRecordRefusal(callDeps) }, request, signal),
    unpublish: (request, signal) => unpublishVolume(callDeps, request, signal),
  });
  let watches: readonly Promise<void>[] = [];
  let csi: GrpcSocket | undefined;
  let registration: KubeletRegistration | undefined;

  const adopt = async (): Promise<void> => {
    const homes = homesDir(settings.stateDir);
    await mkdir(homes, { recursive: true, mode: 0o700 });
    await chmod(homes, 0o700);
    await mounts.harden(homes);
    void trash.empty();
    for (const { folder, message } of [...(await sessions.adopt()), ...(await cold.adopt())]) {
      log.error(
        { folder, message },
        'this folder may hold unsaved files, but its journal cannot be read: left as it is',
      );
    }
    log.info({ homes: sessions.all().length, cold: cold.all().length }, 'adopted what was left on this node');
  };

  const start = async (): Promise<void> => {
    await adopt();
    watches = [
      storage.run(stopping.signal),
      orphans.run(stopping.signal),
      anticipatePods({ ...callDeps, onPodGone }, stopping.signal),
      purgeWorkspaces(callDeps, stopping.signal),
    ];
    csi = await serveGrpcSocket(csiSocketPath(settings.kubeletDir), services);
    registration = await registerWithKubelet({ kubeletDir: settings.kubeletDir, log });
  };

  const stop = async (): Promise<void> => {
    stopping.abort(new Error('the node driver is stopping'));
    await Promise.all([registration?.close(CALL_GRACE_MS), csi?.close(CALL_GRACE_MS)]);
    await sessions.stop(clock, settings.drainMs);
    await cold.stop();
    await Promise.all(watches);
  };

  return {
    part: { name: 'node driver', start, stop },
    readiness: [
      storageReadiness(storage.verdict, settings.bucket),
      registrationReadiness(() => registration?.registered() === true),
    ],
    views: () => sessions.all().map((session) => session.view()),
  };
};

const storageReadiness = (verdict: () => StorageVerdict | undefined, bucket: string): HealthCheck => ({
  name: 'storage',
  check: () => {
    const found = verdict();
    if (found === undefined) return { ok: false, message: `bucket ${bucket} has not been looked at yet` };
    if (found.ok) return { ok: true, message: `bucket ${bucket} can be used` };
    const permission = found.permission === '' ? '' : ` (permission ${found.permission})`;
    return { ok: false, message: `bucket ${bucket} cannot be used: ${found.message}${permission}` };
  },
});

const registrationReadiness = (registered: () => boolean): HealthCheck => ({
  name: 'kubelet',
  check: () =>
    registered()
      ? { ok: true, message: 'kubelet uses the driver' }
      : { ok: false, message: 'kubelet has not registered the driver: is KUBELET_DIR its root folder?' },
});
