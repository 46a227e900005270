import { z } from 'zod';
import type { Sandbox } from '../../../api/sandbox.ts';
import { UserId } from '../../../api/user-id.ts';
import { maySee } from '../../caller.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { representSandbox, SandboxRepresentation } from '../../representation.ts';
import { route } from '../../route.ts';

const ListQuery = z.object({ user_id: UserId.optional() });

/** All that the caller may see, the stopped ones too, newest first. */
export const listRoute = ({ cache }: Pick<FacadeDependencies, 'cache'>) =>
  route({
    method: 'GET',
    path: '/sandboxes',
    operationId: 'listSandboxes',
    tag: 'sandboxes',
    summary: 'All sandboxes, the stopped ones too, newest first',
    access: { kind: 'scope', scope: 'sandboxes:read' },
    query: ListQuery,
    responses: {
      200: {
        description: 'The sandboxes.',
        schema: z.object({ sandboxes: z.array(SandboxRepresentation), total: z.int().min(0) }),
      },
    },
    handle: (context, { query }) => {
      const sandboxes = cache
        .list()
        .filter((sandbox) => query.user_id === undefined || sandbox.spec.userId === query.user_id)
        .filter((sandbox) => maySee(context.state.caller, sandbox))
        .sort(newestFirst)
        .map(representSandbox);
      context.body = { sandboxes, total: sandboxes.length };
    },
  });

/** Kubernetes' times have whole seconds, so names make the order of one second the same every time. */
const newestFirst = (a: Sandbox, b: Sandbox): number =>
  compare(b.metadata.creationTimestamp ?? '', a.metadata.creationTimestamp ?? '') ||
  compare(a.metadata.name, b.metadata.name);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
