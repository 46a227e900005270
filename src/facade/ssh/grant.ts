import type { Sandbox } from '../../api/sandbox.ts';
import type { SandboxCache } from '../sandbox-cache.ts';
import { takesCommands, sandboxState } from '../sandbox-status.ts';
import { type AccessKey, validKeysOf } from './access-key.ts';

/** The user name that all sandboxes share; a sandbox's own id is good for it as well. */
export const SSH_USER = 'agent';

/** What a key opens. */
export interface Grant {
  readonly sandbox: string;
  readonly userId: string;
  /** The run that it was opened in; undefined while there was none. */
  readonly podUid: string | undefined;
  readonly key: AccessKey;
}

/** Which sandbox a key opens, for that user name, now. The key alone decides: nobody says which sandbox it is. */
export const findGrant = (
  cache: Pick<SandboxCache, 'list'>,
  { username, publicKey, now }: { readonly username: string; readonly publicKey: string; readonly now: number },
): Grant | undefined => {
  for (const sandbox of cache.list()) {
    const key = validKeysOf(sandbox, now).find((candidate) => candidate.publicKey === publicKey);
    if (key === undefined) continue;
    const { name } = sandbox.metadata;
    if (username !== SSH_USER && username !== name) return undefined;
    return { sandbox: name, userId: sandbox.spec.userId, podUid: sandbox.status?.podUid, key };
  }
  return undefined;
};

export type GrantEnd =
  'the key was revoked' | 'the key has expired' | 'the sandbox has stopped' | 'the sandbox is gone';

/** Why a connection has to end. A sandbox that only does not answer for a moment is no reason. */
export const grantEnd = (grant: Grant, sandbox: Sandbox | undefined, now: number): GrantEnd | undefined => {
  if (sandbox === undefined) return 'the sandbox is gone';
  if (Date.parse(grant.key.expiresAt) <= now) return 'the key has expired';
  if (
    !validKeysOf(sandbox, now).some(({ id, publicKey }) => id === grant.key.id && publicKey === grant.key.publicKey)
  ) {
    return 'the key was revoked';
  }
  const state = sandboxState(sandbox);
  const lives = takesCommands(state) || state === 'starting' || state === 'creating';
  return lives && (grant.podUid === undefined || sandbox.status?.podUid === grant.podUid)
    ? undefined
    : 'the sandbox has stopped';
};
