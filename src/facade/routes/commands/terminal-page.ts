import type { Route } from '../../route.ts';
export const terminalPageRoutes = (): readonly Route[] => [];
