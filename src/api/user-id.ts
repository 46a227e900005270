import { z } from 'zod';
import { USER_ID_PATTERN } from './workspace-id.ts';

/** Any string of these characters is a user: `workspaceId` makes even `..` harmless. */
export const UserId = z.string().min(1).max(255).regex(new RegExp(USER_ID_PATTERN));

/** What a named workspace is called after its user: a DNS label. */
export const WorkspaceNameSuffix = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
