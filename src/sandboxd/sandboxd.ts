import { answerEmpty } from './answer.ts';
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

/** The daemon of one sandbox: everything it serves, listening. */
export const startSandboxd = (settings: SandboxdSettings): Promise<SandboxdServer> =>
  startServer(settings, [healthRoute]);
