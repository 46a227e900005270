import { answerSandbox } from '../../answer-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandboxNow } from '../../find-sandbox.ts';
import { SandboxRepresentation } from '../../representation.ts';
import { ETAG } from '../../request-headers.ts';
import { route } from '../../route.ts';

export const readRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id',
    operationId: 'getSandbox',
    tag: 'sandboxes',
    summary: 'One sandbox',
    access: { kind: 'scope', scope: 'sandboxes:read', self: true },
    responses: { 200: { description: 'The sandbox.', schema: SandboxRepresentation, headers: ETAG } },
    problems: ['not-found'],
    handle: async (context, { params }) => {
      answerSandbox(context, 200, await findSandboxNow(dependencies, params['id'] ?? '', context.state));
    },
  });
