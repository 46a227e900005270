import type { FacadeDependencies } from '../dependencies.ts';
import type { FacadeMiddleware } from '../request-state.ts';
import { isActive, sandboxState } from '../sandbox-status.ts';

/** `GET /` */
export const serviceRoute =
  ({ version }: Pick<FacadeDependencies, 'version'>): FacadeMiddleware =>
  (context) => {
    context.body = { service: 'matrx-sandbox-orchestrator', version, docs: '/docs' };
  };

/** `GET /health`: open to everyone, so it tells no more than a number. */
export const healthRoute = ({ cache, clock }: Pick<FacadeDependencies, 'cache' | 'clock'>): FacadeMiddleware => {
  const startedAt = clock.monotonic();
  return (context) => {
    context.body = {
      status: 'healthy',
      active_sandboxes: cache.list().filter((sandbox) => isActive(sandboxState(sandbox))).length,
      uptime_seconds: Math.round((clock.monotonic() - startedAt) / 100) / 10,
    };
  };
};
