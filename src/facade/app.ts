import Koa from 'koa';
import type { FacadeDependencies } from './dependencies.ts';
import { answerProblems } from './middleware/answer-problems.ts';
import { authenticate } from './middleware/authenticate.ts';
import { logAccess } from './middleware/log-access.ts';
import { openRequest } from './middleware/open-request.ts';
import { servePreviews } from './middleware/serve-previews.ts';
import { traceRequests } from './middleware/trace-requests.ts';
import { registerRoutes, registerUpgradeHints } from './register-routes.ts';
import type { RequestState } from './request-state.ts';
import { makeRoutes, makeUpgradeRoutes } from './routes/table.ts';

/** The REST API. Access is logged outside of authentication, so that refused requests are seen as well. */
export const makeApp = (dependencies: FacadeDependencies): Koa<RequestState> => {
  const { settings, log, tracer } = dependencies;
  const app = new Koa<RequestState>();
  app.on('error', (error: unknown) => {
    log.error({ err: error }, 'an answer could not be sent');
  });
  const routes = makeRoutes(dependencies);
  const router = registerRoutes(routes, settings);
  registerUpgradeHints(router, routes, makeUpgradeRoutes(dependencies));
  if (tracer?.isOn === true) app.use(traceRequests(tracer, dependencies));
  app.use(openRequest(dependencies));
  app.use(logAccess(dependencies));
  app.use(answerProblems);
  app.use(servePreviews(dependencies));
  app.use(authenticate(dependencies));
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
};
