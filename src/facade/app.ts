import { Router } from '@koa/router';
import Koa from 'koa';
import type { FacadeDependencies } from './dependencies.ts';
import { answerProblems } from './middleware/answer-problems.ts';
import { authenticate } from './middleware/authenticate.ts';
import { logAccess } from './middleware/log-access.ts';
import { openRequest } from './middleware/open-request.ts';
import type { RequestState } from './request-state.ts';
import { createRoute } from './routes/sandboxes/create.ts';
import { deleteRoute } from './routes/sandboxes/delete.ts';
import { execRoute } from './routes/sandboxes/exec.ts';
import { listRoute } from './routes/sandboxes/list.ts';
import { readRoute } from './routes/sandboxes/read.ts';
import { healthRoute, serviceRoute } from './routes/service.ts';

/** The REST API. Access is logged outside of authentication, so that refused requests are seen as well. */
export const makeApp = (dependencies: FacadeDependencies): Koa<RequestState> => {
  const { settings, log } = dependencies;
  const app = new Koa<RequestState>();
  app.on('error', (error: unknown) => {
    log.error({ err: error }, 'an answer could not be sent');
  });
  const router = makeRouter(dependencies);
  app.use(openRequest(dependencies));
  app.use(logAccess(dependencies));
  app.use(answerProblems);
  app.use(authenticate(settings));
  app.use(router.routes());
  app.use(router.allowedMethods());
  return app;
};

const makeRouter = (dependencies: FacadeDependencies): Router<RequestState> => {
  const router = new Router<RequestState>();
  router.get('/', serviceRoute(dependencies));
  router.get('/health', healthRoute(dependencies));
  router.post('/sandboxes', createRoute(dependencies));
  router.get('/sandboxes', listRoute(dependencies));
  const read = readRoute(dependencies);
  const remove = deleteRoute(dependencies);
  const exec = execRoute(dependencies);
  router.get('/sandboxes/:id', (context) => read(context, context.params['id'] ?? ''));
  router.delete('/sandboxes/:id', (context) => remove(context, context.params['id'] ?? ''));
  router.post('/sandboxes/:id/exec', (context) => exec(context, context.params['id'] ?? ''));
  return router;
};
