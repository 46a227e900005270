import { z } from 'zod';

/**
 * Where each user's credentials for cold storage come from; `off`: there is none. `none` mounts everyone with the
 * driver's own key, so that only FUSE stands between the users: it is never a default. Read by the node driver, which
 * mounts, and by the controller, which gives pods the volume.
 */
export const COLD_PROVIDERS = ['off', 'assume-role', 'web-identity', 'accounts', 'none'] as const;
export type ColdProviderName = (typeof COLD_PROVIDERS)[number];

export const coldProvider = z.enum(COLD_PROVIDERS).default('off');
