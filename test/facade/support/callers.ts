import type { Authenticator } from '../../../src/facade/authenticator.ts';
import { type Caller, SCOPES, type Scope } from '../../../src/facade/caller.ts';

/** Takes everyone for that caller. */
export const asCaller =
  (caller: Caller): Authenticator =>
  () =>
    Promise.resolve(caller);

/** The sandbox itself, by the token of its pod. */
export const sandboxCaller = (sandbox: string, podUid = `pod-of-${sandbox}`): Caller => ({
  kind: 'sandbox',
  sandbox,
  podUid,
});

/** A key that may act for some users only, or may do some things only. */
export const keyCaller = (id: string, users?: readonly string[], scopes: readonly Scope[] = SCOPES): Caller => ({
  kind: 'key',
  id,
  users: users === undefined ? undefined : new Set(users),
  scopes: new Set(scopes),
});

/** Who asks is named in the X-API-Key header. */
export const byName =
  (callers: Readonly<Record<string, Caller>>): Authenticator =>
  ({ secret }) =>
    Promise.resolve(callers[secret]);
