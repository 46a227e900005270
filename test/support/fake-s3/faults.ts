import type { FakeRequest } from './requests.ts';

/** What goes wrong with one request. "After" means that it was applied and only its answer is lost. */
export type FaultAction =
  | { readonly kind: 'answer'; readonly status: number; readonly code: string; readonly applied?: boolean }
  | { readonly kind: 'resetBefore' }
  | { readonly kind: 'resetAfter' }
  /** Half of the answer's body, then the connection ends. */
  | { readonly kind: 'truncate' }
  /** The right length, one byte flipped. */
  | { readonly kind: 'corrupt' }
  /** Neither applied nor answered, until the client goes away. */
  | { readonly kind: 'hangBefore' }
  | { readonly kind: 'hangAfter' }
  /** `run` is called (it kills the client, say), and the connection is cut. */
  | { readonly kind: 'call'; readonly applied: boolean; readonly run: () => void };

export interface Fault {
  readonly when: (request: FakeRequest) => boolean;
  readonly action: FaultAction;
  /** How many requests it hits; undefined: all that match. */
  readonly times?: number;
}

export const SLOW_DOWN: FaultAction = { kind: 'answer', status: 503, code: 'SlowDown' };
export const INTERNAL_ERROR: FaultAction = { kind: 'answer', status: 500, code: 'InternalError' };
export const FORBIDDEN: FaultAction = { kind: 'answer', status: 403, code: 'AccessDenied' };
export const NO_SUCH_BUCKET: FaultAction = { kind: 'answer', status: 404, code: 'NoSuchBucket' };

export const operationIs =
  (operation: string, keyPart = '') =>
  (request: FakeRequest): boolean =>
    request.operation === operation && request.key.includes(keyPart);

/** The faults still to come, in order; the first that matches is taken. */
export const makeFaultPlan = () => {
  let faults: { fault: Fault; left: number }[] = [];
  return {
    add: (...added: readonly Fault[]): void => {
      faults.push(...added.map((fault) => ({ fault, left: fault.times ?? Infinity })));
    },
    clear: (): void => {
      faults = [];
    },
    take: (request: FakeRequest): FaultAction | undefined => {
      const hit = faults.find(({ fault, left }) => left > 0 && fault.when(request));
      if (hit === undefined) return undefined;
      hit.left -= 1;
      return hit.fault.action;
    },
  };
};
export type FaultPlan = ReturnType<typeof makeFaultPlan>;
