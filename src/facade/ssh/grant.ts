import type { Sandbox } from '../../api/sandbox.ts';
import type { SandboxCache } from '../sandbox-cache.ts';
import { takesCommands, sandboxState } from '../sandbox-status.ts';
import {
  type AccessKey,
  accessKeysOf,
  isBacked,
  isExpired,
  type KeyJudge,
  SSH_USER,
  userNamesOf,
  validKeysOf,
} from './access-key.ts';

/** What a key opens. */
export interface Grant {
  readonly sandbox: string;
  readonly userId: string;
  /** The run that it was opened in; undefined while there was none. */
  readonly podUid: string | undefined;
  readonly key: AccessKey;
}

/** Which sandbox a key opens, for that user name, now. */
export const findGrant = (
  cache: Pick<SandboxCache, 'get' | 'list'>,
  { username, publicKey }: { readonly username: string; readonly publicKey: string },
  judge: KeyJudge,
): Grant | undefined => {
  const named = username === SSH_USER ? undefined : cache.get(username);
  const candidates = username === SSH_USER ? cache.list() : named === undefined ? [] : [named];
  for (const sandbox of candidates) {
    const { name } = sandbox.metadata;
    const key = validKeysOf(sandbox, judge).find(
      (candidate) => candidate.publicKey === publicKey && userNamesOf(candidate, name).includes(username),
    );
    if (key === undefined) continue;
    return { sandbox: name, userId: sandbox.spec.userId, podUid: sandbox.status?.podUid, key };
  }
  return undefined;
};

export type GrantEnd =
  | 'the key was revoked'
  | 'the key has expired'
  | 'the API key behind it no longer stands'
  | 'the sandbox has stopped'
  | 'the sandbox is gone';

/** The key as it stands now: it may have been given a longer time since. */
export const currentKey = ({ key }: Grant, sandbox: Sandbox | undefined): AccessKey | undefined =>
  sandbox === undefined
    ? undefined
    : accessKeysOf(sandbox).find(({ id, publicKey }) => id === key.id && publicKey === key.publicKey);

/** When it has to be judged again, whatever else happens. Milliseconds since 1970. */
export const grantExpiry = (grant: Grant, sandbox: Sandbox | undefined, { keyRing }: KeyJudge): number => {
  // Anew each time: the key may have been given another time since.
  const { expiresAt, apiKey } = currentKey(grant, sandbox) ?? grant.key;
  const behind = apiKey === undefined ? undefined : keyRing?.find(apiKey)?.expiresAt;
  return Math.min(Date.parse(expiresAt), behind ?? Infinity);
};

/** Why a connection has to end. A sandbox that only does not answer for a moment is no reason. */
export const grantEnd = (grant: Grant, sandbox: Sandbox | undefined, judge: KeyJudge): GrantEnd | undefined => {
  if (sandbox === undefined) return 'the sandbox is gone';
  const key = currentKey(grant, sandbox);
  if (isExpired(key ?? grant.key, judge.now)) return 'the key has expired';
  if (key === undefined) return 'the key was revoked';
  if (!isBacked(key, sandbox, judge)) return 'the API key behind it no longer stands';
  const state = sandboxState(sandbox);
  const lives = takesCommands(state) || state === 'starting' || state === 'creating';
  return lives && (grant.podUid === undefined || sandbox.status?.podUid === grant.podUid)
    ? undefined
    : 'the sandbox has stopped';
};
