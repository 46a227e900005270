import { answerEmpty, answerJson } from './answer.ts';
import { e2bFilesRoutes } from './e2b/files-routes.ts';
import { filesystemService } from './e2b/filesystem-service.ts';
import { processService } from './e2b/process-service.ts';
import { makeKeyLock } from './files/key-lock.ts';
import { fileRoutes } from './files/routes.ts';
import { metricsRoutes } from './metrics/routes.ts';
import { tunnelRoute } from './ports/tunnel.ts';
import { makeProcessTable, PROCESS_LIMITS } from './processes/process-table.ts';
import { processRoutes } from './processes/routes.ts';
import type { Route } from './route.ts';
import { startServer, type SandboxdServer } from './server.ts';
import type { SandboxdSettings } from './settings.ts';

/** `GET /health`, open to everyone: 204 says that the daemon answers. */
const healthRoute: Route = {
  method: 'GET',
  path: '/health',
  open: true,
  handle: (_request, answer) => answerEmpty(answer),
};

/** `GET /envs`, of E2B's daemon: what every process inherits. */
const environmentRoute = ({ environment }: SandboxdSettings): Route => ({
  method: 'GET',
  path: '/envs',
  handle: (_request, response) => answerJson(response, 200, environment),
});

/** The daemon of one sandbox: everything it serves, listening. Closing it ends the processes that it started. */
export const startSandboxd = async (settings: SandboxdSettings): Promise<SandboxdServer> => {
  const processes = makeProcessTable({ ...settings, limits: { ...PROCESS_LIMITS, ...settings.processes } });
  const files = { settings, lock: makeKeyLock() };
  const server = await startServer(settings, [
    healthRoute,
    ...processRoutes(processes),
    ...processService(processes, settings),
    environmentRoute(settings),
    ...fileRoutes(files),
    ...filesystemService(files),
    ...e2bFilesRoutes(files),
    ...metricsRoutes(settings),
    tunnelRoute,
  ]);
  return {
    address: server.address,
    close: async () => {
      // Readers are told how it ended before their connections are cut.
      await processes.close();
      await server.close();
    },
  };
};
