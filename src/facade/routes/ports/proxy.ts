import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { portPath, requirePort } from '../../ports/port-path.ts';
import { PORT_PROBLEMS } from '../../ports/port-problem.ts';
import { PORT_ACCESS } from '../../ports/preview-access.ts';
import { proxyRequest } from '../../ports/proxy-request.ts';
import { proxyUpgrade } from '../../ports/proxy-upgrade.ts';
import type { FacadeContext } from '../../request-state.ts';
import { type Route, route, type UpgradeRoute, upgradeRoute } from '../../route.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** The port's root, and everything below it. */
const PATHS = [
  ['/sandboxes/:id/ports/:port', 'PortRoot'],
  ['/sandboxes/:id/ports/:port/*path', 'Port'],
] as const;

const params = {
  port: { description: 'Where a program in the sandbox listens, at 127.0.0.1 or ::1.' },
  path: { description: 'From the root of what listens there.' },
};

const description =
  'The request goes on to the port, and its answer comes back, both as they come, whatever the method; so do WebSockets. ' +
  'The key and the ticket do not go on. Pages are shown as of no origin; what needs one (cookies, storage) needs the ' +
  "preview's own host: a ticket has its address.";

export const portRoutes = (dependencies: FacadeDependencies): readonly Route[] =>
  PATHS.flatMap(([path, name]) =>
    METHODS.map((method) =>
      route({
        method,
        path,
        operationId: `${method.toLowerCase()}${name}`,
        tag: 'ports',
        summary: `${method} to what listens on a port of a sandbox`,
        description,
        access: PORT_ACCESS,
        params,
        ...(['GET', 'OPTIONS'].includes(method) ? {} : { body: 'stream' as const, bodyTypes: ['*/*'] }),
        responses: { default: { description: 'What it answers.', contentType: '*/*' } },
        problems: PORT_PROBLEMS,
        handle: async (context, { params: { id = '', port = '' } }) => {
          const asked = { sandbox: id, port: requirePort(port), ...portPath(context.url) };
          if (asked.isBare && method === 'GET') {
            // Only for a sandbox that is there, and the caller's.
            await findSandbox(dependencies, id, context.state);
            toRoot(context);
            return;
          }
          await proxyRequest(dependencies, context, asked);
        },
      }),
    ),
  );

export const portUpgradeRoutes = (dependencies: FacadeDependencies): readonly UpgradeRoute[] =>
  PATHS.map(([path, name]) =>
    upgradeRoute({
      path,
      operationId: `upgrade${name}`,
      tag: 'ports',
      summary: 'A WebSocket to what listens on a port of a sandbox',
      access: PORT_ACCESS,
      params,
      responses: { 101: { description: 'A WebSocket.' } },
      problems: PORT_PROBLEMS,
      upgrade: async ({ request, socket, head, state, params: { id = '', port = '' } }) => {
        const asked = { sandbox: id, port: requirePort(port), ...portPath(request.url ?? '/') };
        await proxyUpgrade(dependencies, { ...asked, request, socket, head, state });
      },
    }),
  );

/** Without the slash, what a page calls by relative names would be looked for beside the port. */
const toRoot = (context: FacadeContext): void => {
  const [path = '', ...query] = context.url.split('?');
  context.status = 308;
  context.set('Location', [`${path}/`, ...query].join('?'));
  context.body = '';
};
