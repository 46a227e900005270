import type { FacadeDependencies } from '../../dependencies.ts';
import type { Route } from '../../route.ts';
import { portRoutes } from './proxy.ts';
import { ticketRoute } from './tickets.ts';

/** What listens in sandboxes, and leave to reach it. */
export const previewRoutes = (dependencies: FacadeDependencies): readonly Route[] => [
  ticketRoute(dependencies),
  ...portRoutes(dependencies),
];
