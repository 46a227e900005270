import type { FacadeDependencies } from '../dependencies.ts';
import type { Route, UpgradeRoute } from '../route.ts';
import { accessRoutes } from './access/routes.ts';
import { commandRoutes, commandUpgradeRoutes } from './commands/routes.ts';
import { descriptionRoutes } from './description.ts';
import { fileRoutes } from './files/routes.ts';
import { portUpgradeRoutes } from './ports/proxy.ts';
import { previewRoutes } from './ports/routes.ts';
import { createRoute } from './sandboxes/create.ts';
import { deleteRoute } from './sandboxes/delete.ts';
import { eventsRoute } from './sandboxes/events.ts';
import { heartbeatRoute } from './sandboxes/heartbeat.ts';
import { listRoute } from './sandboxes/list.ts';
import { logsRoute } from './sandboxes/logs.ts';
import { metricsRoute } from './sandboxes/metrics.ts';
import { readRoute } from './sandboxes/read.ts';
import { reportRoutes } from './sandboxes/report.ts';
import { resumeRoute } from './sandboxes/resume.ts';
import { suspendRoute } from './sandboxes/suspend.ts';
import { updateRoute } from './sandboxes/update.ts';
import { serviceRoutes } from './service.ts';
import { workspaceRoutes } from './workspaces/workspaces.ts';

/** The whole REST API: what the router serves, what the description lists, what the tests walk through. */
export const makeRoutes = (dependencies: FacadeDependencies): readonly Route[] => {
  const routes = servedRoutes(dependencies);
  return [...routes, ...descriptionRoutes(dependencies, routes, makeUpgradeRoutes(dependencies))];
};

const servedRoutes = (dependencies: FacadeDependencies): readonly Route[] => [
  ...serviceRoutes(dependencies),
  createRoute(dependencies),
  listRoute(dependencies),
  readRoute(dependencies),
  updateRoute(dependencies),
  deleteRoute(dependencies),
  suspendRoute(dependencies),
  resumeRoute(dependencies),
  heartbeatRoute(dependencies),
  ...reportRoutes(dependencies),
  eventsRoute(dependencies),
  logsRoute(dependencies),
  metricsRoute(dependencies),
  ...commandRoutes(dependencies),
  ...fileRoutes(dependencies),
  ...previewRoutes(dependencies),
  ...accessRoutes(dependencies),
  ...workspaceRoutes(dependencies),
];

/** The routes that take over their connection: WebSockets and the like. */
export const makeUpgradeRoutes = (dependencies: FacadeDependencies): readonly UpgradeRoute[] => [
  ...commandUpgradeRoutes(dependencies),
  ...portUpgradeRoutes(dependencies),
];
