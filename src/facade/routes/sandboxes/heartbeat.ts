import { z } from 'zod';
import { ANNOTATION_LAST_HEARTBEAT, FIELD_MANAGER_FACADE } from '../../../api/names.ts';
import type { Sandbox } from '../../../api/sandbox.ts';
import { rfc3339 } from '../../../base/clock.ts';
import { SANDBOXES } from '../../../kube/resource-types.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { route } from '../../route.ts';
import { sandboxState, takesCommands } from '../../sandbox-status.ts';

/** However often a sandbox says that it lives, it is written down so often at most. */
const INTERVAL_MS = 30_000;

/**
 * Writes down that it lives, for the controller, who says whether that counts: a heartbeat alone starts nothing. One to a
 * sandbox that does not run is acknowledged and changes nothing.
 */
export const heartbeatRoute = (dependencies: FacadeDependencies) => {
  /** Those whose heartbeat is being written: another one meanwhile has nothing to add. */
  const underWay = new Set<string>();
  return route({
    method: 'POST',
    path: '/sandboxes/:id/heartbeat',
    operationId: 'heartbeat',
    tag: 'sandboxes',
    summary: 'Say that a sandbox is alive',
    description: 'The sandbox itself may say so, by its own token. Written down every 30 seconds at most.',
    access: { kind: 'scope', scope: 'sandboxes:write', self: true },
    responses: {
      200: { description: 'Heard.', schema: z.object({ acknowledged: z.literal(true), sandbox_id: z.string() }) },
    },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' } }) => {
      const { clock } = dependencies;
      const sandbox = await findSandbox(dependencies, id, context.state);
      const due = takesCommands(sandboxState(sandbox)) && !isFresh(sandbox, clock.now());
      if (due && !underWay.has(id)) {
        underWay.add(id);
        try {
          await writeDown(dependencies, sandbox, context.state.signal);
        } finally {
          underWay.delete(id);
        }
      }
      context.body = { acknowledged: true, sandbox_id: id };
    },
  });
};

/** A time ahead of ours is a clock that was wrong, and keeps nobody from writing the right one. */
const isFresh = ({ metadata }: Sandbox, now: number): boolean => {
  const ageMs = now - Date.parse(metadata.annotations?.[ANNOTATION_LAST_HEARTBEAT] ?? '');
  return ageMs > -INTERVAL_MS && ageMs < INTERVAL_MS;
};

const writeDown = async (
  { kube, cache, clock, settings }: Pick<FacadeDependencies, 'kube' | 'cache' | 'clock' | 'settings'>,
  { metadata: { name, uid } }: Sandbox,
  signal: AbortSignal,
): Promise<void> => {
  const annotations = { [ANNOTATION_LAST_HEARTBEAT]: rfc3339(clock.now()) };
  const patched = await kube.mergePatch<Sandbox>(
    { type: SANDBOXES, namespace: settings.namespace, name },
    { metadata: { ...(uid === undefined ? {} : { uid }), annotations } },
    { fieldManager: FIELD_MANAGER_FACADE, signal },
  );
  cache.put(patched);
};
