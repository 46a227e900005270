import { z } from 'zod';
import type { FacadeDependencies } from '../../dependencies.ts';
import { readSandbox } from '../../find-sandbox.ts';
import { Time } from '../../representation.ts';
import { route } from '../../route.ts';
import { type AccessKey, fingerprint, validKeysOf } from '../../ssh/access-key.ts';

export const AccessKeyRepresentation = z.object({
  id: z.string(),
  fingerprint: z.string().describe('As `ssh-keygen -l` shows it.'),
  created_at: Time,
  expires_at: Time,
});

export const representAccessKey = (key: AccessKey): z.infer<typeof AccessKeyRepresentation> => ({
  id: key.id,
  fingerprint: fingerprint(key),
  created_at: key.createdAt,
  expires_at: key.expiresAt,
});

export const listAccessRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id/access',
    operationId: 'listAccess',
    tag: 'access',
    summary: 'The SSH keys that open a sandbox',
    description: 'Those that open it now. A private half is kept nowhere.',
    access: { kind: 'scope', scope: 'sandboxes:read' },
    responses: { 200: { description: 'The keys.', schema: z.object({ keys: z.array(AccessKeyRepresentation) }) } },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' } }) => {
      const { clock, keyRing } = dependencies;
      // Who looks what is open wants to know it, not what one replica has heard.
      const sandbox = await readSandbox(dependencies, id, context.state);
      context.body = { keys: validKeysOf(sandbox, { now: clock.now(), keyRing }).map(representAccessKey) };
    },
  });
