import type { Clock } from '../base/clock.ts';
import { withDeadline } from '../base/deadline.ts';
import { errorMessage } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { KubeClient, ObjectRef } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { LEASES } from '../kube/resource-types.ts';
import { heldSpec, type Lease, type LeaseObservation, mayAcquire, observeLease, releasedSpec } from './lease.ts';
import type { RuntimeLog } from './log.ts';
import { noMetrics, type RuntimeMetrics } from './metrics.ts';

export interface LeaderElectorOptions {
  readonly client: Pick<KubeClient, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process: the pod's name and something random, or a restarted pod would take itself for the leader. */
  readonly identity: string;
  /**
   * Called once when leadership is lost. It must end the process at once: from `leaseSeconds` after the last renewal
   * another process leads.
   */
  readonly onLost: (reason: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: RuntimeLog;
  readonly metrics?: RuntimeMetrics;
  /** How long others wait for a holder that has gone silent; 15 unless given. */
  readonly leaseSeconds?: number;
  /** How long the holder goes on without a successful renewal; 10 unless given, less than leaseSeconds. */
  readonly renewSeconds?: number;
  /** Between two attempts; 2 unless given. */
  readonly retrySeconds?: number;
}

/**
 * Leader election on a Lease object, by client-go's rules. Its states:
 *
 * - candidate: every two seconds looks at the lease. → leader when the lease was free, expired or its own, and the write
 *   (which carries the version it has seen) was accepted.
 * - leader: renews every two seconds. → lost when no renewal was accepted for ten seconds, counted from before the
 *   request was sent, or when somebody else holds the lease. → released on `release`.
 * - lost, released: final. A process that has lost the lease ends, and starts anew as a candidate.
 *
 * Expiry is judged by how long this process itself has seen the lease unchanged, so a clock that is an hour wrong, here
 * or there, changes nothing. The five seconds between 10 and 15 are what the holder has to come to an end.
 */
export interface LeaderElector {
  /** Resolves when this process leads, rejects when `signal` is aborted before that. */
  readonly acquire: (signal: AbortSignal) => Promise<void>;
  /** Stops renewing and frees the lease, if it is held. Never throws. */
  readonly release: () => Promise<void>;
  /** False from the moment the last renewal is too old, even while the event loop was stalled. */
  readonly isLeader: () => boolean;
  /** Whether what this process decides may be written: while it leads, and while it ends in order after that. */
  readonly mayWrite: () => boolean;
}

const RELEASE_MS = 5000;

export const makeLeaderElector = (options: LeaderElectorOptions): LeaderElector => {
  const { client, namespace, name, identity, clock, random, log, metrics = noMetrics, onLost } = options;
  const { leaseSeconds = 15, renewSeconds = 10, retrySeconds = 2 } = options;
  const ref: ObjectRef = { type: LEASES, namespace, name };
  const fields = { lease: `${namespace}/${name}`, identity };
  const stopping = new AbortController();
  let observation: LeaseObservation | undefined;
  let renewedAt: number | undefined;
  let state: 'candidate' | 'leader' | 'lost' | 'released' = 'candidate';
  let renewing: Promise<void> = Promise.resolve();

  const leading = (): boolean =>
    state === 'leader' && renewedAt !== undefined && clock.monotonic() - renewedAt < renewSeconds * 1000;

  const write = async (previous: Lease | undefined, signal: AbortSignal): Promise<Lease> => {
    const spec = heldSpec(previous?.spec, identity, clock.now(), leaseSeconds);
    if (previous !== undefined) return client.replace<Lease>(ref, { ...previous, spec }, { signal });
    return client.create<Lease>(LEASES, namespace, { metadata: { name, namespace }, spec }, { signal });
  };

  /** One look and, where it is allowed, one write. True when this process holds the lease afterwards. */
  const attempt = async (signal: AbortSignal): Promise<boolean> => {
    const found = await client.get<Lease>(ref, { signal }).catch((error: unknown) => {
      if (isKubeError(error, 'NotFound')) return undefined;
      throw error;
    });
    if (found !== undefined) {
      observation = observeLease(observation, found, clock.monotonic());
      // Taken and given back while this process led: it has led beside another, and must not carry on as if nothing were.
      if (state === 'leader' && found.spec?.holderIdentity !== identity) return false;
      if (!mayAcquire(observation, identity, clock.monotonic())) return false;
    }
    // The lease counts from before the request: the server may take it long before we hear of it.
    const sentAt = clock.monotonic();
    const written = await write(found, signal);
    observation = observeLease(observation, written, clock.monotonic());
    renewedAt = sentAt;
    return true;
  };

  const attemptWithin = (ms: number, signal: AbortSignal): Promise<boolean> =>
    withDeadline(clock, { what: `the renewal of lease ${fields.lease}`, ms, signal }, attempt);

  /** Looks first: a renewal that was under way when it was stopped may still have been accepted. */
  const free = async (signal: AbortSignal): Promise<void> => {
    const lease = await client.get<Lease>(ref, { signal });
    if (lease.spec?.holderIdentity !== identity) return;
    await client.replace<Lease>(ref, { ...lease, spec: releasedSpec(lease.spec, clock.now()) }, { signal });
  };

  const lose = (reason: string): void => {
    state = 'lost';
    log.error(fields, `leadership is lost: ${reason}`);
    onLost(reason);
  };

  const renew = async (): Promise<void> => {
    let lastFailure = 'the process was stalled';
    const left = (): number => (renewedAt ?? 0) + renewSeconds * 1000 - clock.monotonic();
    while (!stopping.signal.aborted) {
      await clock.sleep(Math.max(0, Math.min(retrySeconds * 1000, left())), stopping.signal);
      const leftMs = left();
      if (leftMs <= 0) return lose(`not renewed for ${renewSeconds} s: ${lastFailure}`);
      try {
        if (!(await attemptWithin(leftMs, stopping.signal))) {
          return lose(`the holder is ${observation?.lease.spec?.holderIdentity || 'nobody'} now`);
        }
      } catch (error) {
        lastFailure = errorMessage(error);
        log.warn({ ...fields, err: error }, `the lease could not be renewed: ${lastFailure}`);
      }
    }
  };

  metrics.sample('leader_election_master_status', { name }, () => (leading() ? 1 : 0));

  return {
    isLeader: leading,
    mayWrite: () => leading() || state === 'released',
    acquire: async (signal) => {
      log.info(fields, 'waits for leadership');
      for (;;) {
        try {
          if (await attemptWithin(renewSeconds * 1000, signal)) break;
        } catch (error) {
          signal.throwIfAborted();
          log.warn({ ...fields, err: error }, `the lease could not be acquired: ${errorMessage(error)}`);
        }
        await clock.sleep(retrySeconds * 1000 * (1 + 0.2 * random.float()), signal);
      }
      state = 'leader';
      log.info(fields, 'leads');
      renewing = renew().catch(() => undefined);
    },
    release: async () => {
      stopping.abort(new Error('released'));
      await renewing;
      if (state !== 'leader') return;
      state = 'released';
      try {
        await withDeadline(clock, { what: `freeing lease ${fields.lease}`, ms: RELEASE_MS }, free);
        log.info(fields, 'freed the lease');
      } catch (error) {
        // The next leader waits for the lease to expire, no more.
        log.warn({ ...fields, err: error }, `the lease could not be freed: ${errorMessage(error)}`);
      }
    },
  };
};
