import type { FacadeDependencies } from '../../dependencies.ts';
import type { Route } from '../../route.ts';
import { giveAccessRoute } from './give.ts';
import { listAccessRoute } from './list.ts';
import { revokeAccessRoute } from './revoke.ts';

/** Keys that open sandboxes by SSH. */
export const accessRoutes = (dependencies: FacadeDependencies): readonly Route[] => [
  giveAccessRoute(dependencies),
  listAccessRoute(dependencies),
  revokeAccessRoute(dependencies),
];
