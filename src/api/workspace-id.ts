import { createHash } from 'node:crypto';

/** What a user id may be: letters, digits, `.`, `-`, `_`, 1 to 255 of them. */
export const USER_ID_PATTERN = '^[A-Za-z0-9._-]{1,255}$';

/** A DNS label (RFC 1123): also a label value, a path segment and an S3 key segment with no special character. */
const DNS_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const HASHED = 'x--';

/**
 * The one function that makes a user id safe. The answer is a DNS label of at most 63 characters, fit to be a path
 * segment, an S3 key segment, a label value and part of an object name; different ids give different answers. A plain
 * id (a UUID, `ann`) stands for itself; any other becomes `x--` and 40 hex digits of its SHA-256, and so does a plain
 * id that starts with `x--`, so that nobody can choose another's hash. Throws a RangeError for what is no user id.
 */
export const workspaceId = (userId: string): string => {
  if (!new RegExp(USER_ID_PATTERN).test(userId) || userId.length > 255) {
    throw new RangeError(
      `user id ${JSON.stringify(userId)} is not valid: use 1 to 255 letters, digits, '.', '-' and '_'`,
    );
  }
  if (DNS_LABEL.test(userId) && !userId.startsWith(HASHED)) return userId;
  return HASHED + createHash('sha256').update(userId).digest('hex').slice(0, 40);
};

/** The Workspace resource's name: `<id>`, or `<id>.<name>` for a named workspace; no id has a dot, so none collide. */
export const workspaceName = (userId: string, name?: string): string =>
  name === undefined ? workspaceId(userId) : `${workspaceId(userId)}.${name}`;

/** The key prefix of a workspace in the bucket, ending in `/`, so that `ann` is no prefix of `anna`. */
export const workspacePrefix = (userId: string, name?: string): string =>
  name === undefined ? `users/${workspaceId(userId)}/` : `users/${workspaceId(userId)}/workspaces/${name}/`;
