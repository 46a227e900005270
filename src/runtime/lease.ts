import type { KubeObject } from '../kube/client.ts';

/** coordination.k8s.io/v1, what the election reads and writes. */
export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

export interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

/** What this process has seen of a lease, and when it last saw it change, by its own monotonic clock. */
export interface LeaseObservation {
  readonly lease: Lease;
  readonly changedAt: number;
}

/** `changedAt` moves only when the lease does: nobody's wall clock but our own stop-watch says how old it is. */
export const observeLease = (
  previous: LeaseObservation | undefined,
  lease: Lease,
  monotonic: number,
): LeaseObservation => {
  const same = previous?.lease.metadata.resourceVersion === lease.metadata.resourceVersion;
  return previous !== undefined && same ? previous : { lease, changedAt: monotonic };
};

/** Whether `identity` may take the lease now: it is its own, nobody's, or has not moved for as long as it says. */
export const mayAcquire = (observation: LeaseObservation, identity: string, monotonic: number): boolean => {
  const { holderIdentity = '', leaseDurationSeconds = 0 } = observation.lease.spec ?? {};
  if (holderIdentity === '' || holderIdentity === identity) return true;
  return monotonic - observation.changedAt >= leaseDurationSeconds * 1000;
};

/** The spec that makes or keeps `identity` the holder. `now` is milliseconds since the epoch, for people to read. */
export const heldSpec = (
  previous: LeaseSpec | undefined,
  identity: string,
  now: number,
  leaseSeconds: number,
): LeaseSpec => {
  const kept = previous?.holderIdentity === identity;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: leaseSeconds,
    acquireTime: (kept ? previous.acquireTime : undefined) ?? microTime(now),
    renewTime: microTime(now),
    leaseTransitions: (previous?.leaseTransitions ?? 0) + (kept || previous === undefined ? 0 : 1),
  };
};

/** The spec after a release: nobody waits for the rest of the lease. */
export const releasedSpec = (previous: LeaseSpec, now: number): LeaseSpec => ({
  ...previous,
  holderIdentity: '',
  leaseDurationSeconds: 1,
  renewTime: microTime(now),
});

/** metav1.MicroTime. */
export const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
