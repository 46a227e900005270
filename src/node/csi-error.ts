/**
 * What a CSI call may answer when it does not succeed. kubelet repeats all of them, but treats them in two ways:
 *
 * - `Unavailable`, `DeadlineExceeded`: the volume may be half there; kubelet calls NodeUnpublishVolume when the pod goes.
 * - the others are final: nothing was done for this pod, and kubelet may never call NodeUnpublishVolume for it. They
 *   must therefore only be answered while nothing is mounted at the target, or the pod would never end; and while no
 *   session exists for the volume, or one that the pod's end will release (./orphans.ts).
 */
export type CsiCode =
  | 'InvalidArgument'
  | 'Unauthenticated'
  | 'PermissionDenied'
  | 'FailedPrecondition'
  | 'Unavailable'
  | 'DeadlineExceeded'
  | 'Internal';

/** Whether kubelet takes the volume for half there. */
export const isUnfinished = ({ code }: { readonly code: CsiCode }): boolean =>
  code === 'Unavailable' || code === 'DeadlineExceeded';

/** The message reaches people as the pod's FailedMount event. */
export class CsiError extends Error {
  readonly code: CsiCode;

  constructor(code: CsiCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CsiError';
    this.code = code;
  }
}
