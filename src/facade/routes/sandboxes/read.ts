import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { representSandbox, SandboxRepresentation } from '../../representation.ts';
import { route } from '../../route.ts';

export const readRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id',
    operationId: 'getSandbox',
    tag: 'sandboxes',
    summary: 'One sandbox',
    access: { kind: 'scope', scope: 'sandboxes:read', self: true },
    responses: { 200: { description: 'The sandbox.', schema: SandboxRepresentation } },
    problems: ['not-found'],
    handle: async (context, { params }) => {
      context.body = representSandbox(await findSandbox(dependencies, params['id'] ?? '', context.state));
    },
  });
