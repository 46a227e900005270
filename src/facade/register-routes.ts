import { Router } from '@koa/router';
import { requireAccess } from './access.ts';
import type { FacadeSettings } from './dependencies.ts';
import { parseInput } from './input-error.ts';
import { readJsonBody } from './json-body.ts';
import { queryShape, readQuery } from './query.ts';
import type { FacadeContext, RequestState } from './request-state.ts';
import { makeProblem, ProblemError } from './problem.ts';
import type { Route, UpgradeRoute } from './route.ts';

/** A router of the table's routes: each checks who calls and what it is given before its handler runs. */
export const registerRoutes = (
  routes: readonly Route[],
  settings: Pick<FacadeSettings, 'maxBodyBytes'>,
): Router<RequestState> => {
  const router = new Router<RequestState>();
  for (const route of routes) {
    const shape = queryShape(route.query);
    router.register(route.path, [route.method], async (context: FacadeContext) => {
      const params = (context as { readonly params?: Readonly<Record<string, string>> }).params ?? {};
      requireAccess(route.access, context.state.caller, params);
      const query =
        route.query === undefined ? {} : parseInput(route.query, 'query', readQuery(context.querystring, shape));
      const takesJson = route.body !== undefined && route.body !== 'stream';
      const rawBody = takesJson ? await readJsonBody(context.req, settings.maxBodyBytes) : undefined;
      const body = takesJson ? parseInput(route.body, 'body', rawBody) : undefined;
      await route.handle(context, { params, query, body, rawBody });
    });
  }
  return router;
};

/** Tells whoever asks a path for upgrades with an ordinary request what it is for. */
export const registerUpgradeHints = (
  router: Router<RequestState>,
  routes: readonly Route[],
  upgradeRoutes: readonly UpgradeRoute[],
): void => {
  const served = new Set(routes.filter(({ method }) => method === 'GET').map(({ path }) => path));
  for (const { path, access } of upgradeRoutes.filter((one) => !served.has(one.path))) {
    router.register(path, ['GET'], (context: FacadeContext) => {
      const { params = {} } = context as { readonly params?: Readonly<Record<string, string>> };
      requireAccess(access, context.state.caller, params);
      throw new ProblemError({
        problem: makeProblem('upgrade-required', `${context.path} takes connections that are upgraded to a WebSocket`),
        headers: { Upgrade: 'websocket', Connection: 'Upgrade' },
      });
    });
  }
};
