import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { representSandbox } from '../../representation.ts';
import type { SandboxRoute } from './sandbox-route.ts';

/** `GET /sandboxes/{id}` */
export const readRoute =
  (dependencies: FacadeDependencies): SandboxRoute =>
  async (context, id) => {
    context.body = representSandbox(await findSandbox(dependencies, id, context.state.signal));
  };
