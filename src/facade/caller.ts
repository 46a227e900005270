import type { Sandbox } from '../api/sandbox.ts';
import type { TicketScope } from './ticket.ts';

/** What a key may be allowed to do. */
export const SCOPES = ['sandboxes:read', 'sandboxes:write', 'exec', 'files', 'workspaces'] as const;
export type Scope = (typeof SCOPES)[number];

/** How much a key may ask for; what is not given is not limited. */
export interface KeyLimits {
  /** On average, and `burst` at once. Counted by each replica on its own. */
  readonly rate?: { readonly perSecond: number; readonly burst: number };
  /** Sandboxes made with the key that start or run. */
  readonly concurrentSandboxes?: number;
}

/** Who a request comes from, once that is proven. */
export type Caller =
  /** Authentication is off, in so many words. */
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'key';
      /** Names the key in logs; not secret. */
      readonly id: string;
      /** The users it may act for; undefined: all of them. */
      readonly users: ReadonlySet<string> | undefined;
      readonly scopes: ReadonlySet<Scope>;
      readonly limits?: KeyLimits;
      /** Aborts when the key is revoked, or may do less than before: what it has under way ends then. */
      readonly ended?: AbortSignal;
      /** Milliseconds since 1970: what it has under way ends then as well. */
      readonly expiresAt?: number;
    }
  /** A sandbox itself, by the token of its pod. */
  | { readonly kind: 'sandbox'; readonly sandbox: string; readonly podUid: string }
  /** Whoever holds a ticket: one thing of one sandbox. */
  | { readonly kind: 'ticket'; readonly sandboxUid: string; readonly scope: TicketScope };

export const hasScope = (caller: Caller, scope: Scope): boolean =>
  caller.kind === 'anonymous' || (caller.kind === 'key' && caller.scopes.has(scope));

export const mayActFor = (caller: Caller, userId: string): boolean =>
  caller.kind === 'anonymous' || (caller.kind === 'key' && (caller.users === undefined || caller.users.has(userId)));

/** A Sandbox that a caller may not know of is, for it, not there. */
export const maySee = (caller: Caller, { metadata, spec, status }: Sandbox): boolean => {
  if (caller.kind === 'sandbox') return metadata.name === caller.sandbox && status?.podUid === caller.podUid;
  if (caller.kind === 'ticket') return metadata.uid === caller.sandboxUid;
  return mayActFor(caller, spec.userId);
};

/** Under what name a caller's actions are logged and its idempotency keys are kept. */
export const callerName = (caller: Caller): string => {
  switch (caller.kind) {
    case 'anonymous':
      return 'anonymous';
    case 'key':
      return `key/${caller.id}`;
    case 'sandbox':
      return `sandbox/${caller.sandbox}`;
    case 'ticket':
      return `ticket/${caller.scope}`;
    default:
      return caller satisfies never;
  }
};
