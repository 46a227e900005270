import type { FacadeDependencies } from '../../dependencies.ts';
import { route } from '../../route.ts';
import { removeAccessKey } from '../../ssh/change-keys.ts';

export const revokeAccessRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'DELETE',
    path: '/sandboxes/:id/access/:key',
    operationId: 'revokeAccess',
    tag: 'access',
    summary: 'Take an SSH key back',
    description: 'It opens nothing any more, and what it has open ends.',
    access: { kind: 'scope', scope: 'exec' },
    params: { key: { description: "The key's id." } },
    responses: { 204: { description: 'It is taken back.' } },
    problems: ['not-found'],
    handle: async (context, { params: { id = '', key = '' } }) => {
      const { spec } = await removeAccessKey(dependencies, context.state, { id, keyId: key });
      context.state.log.info({ sandbox_id: id, user_id: spec.userId, key_id: key }, 'SSH key revoked');
      context.status = 204;
    },
  });
