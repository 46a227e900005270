import { z } from 'zod';
import type { Sandbox } from '../../../api/sandbox.ts';
import { answerSandbox } from '../../answer-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox, readSandbox } from '../../find-sandbox.ts';
import { takePreference } from '../../prefer.ts';
import { flag } from '../../query-parameters.ts';
import { representSandbox, SandboxRepresentation } from '../../representation.ts';
import { ETAG, PREFER } from '../../request-headers.ts';
import { requestStop } from '../../request-stop.ts';
import { route } from '../../route.ts';
import type { FacadeContext } from '../../request-state.ts';
import { isAtRest } from '../../sandbox-status.ts';
import { waitForSandbox } from '../../wait-for-sandbox.ts';

const DeleteQuery = z.object({
  graceful: flag.default(true).describe('false: its processes are killed at once. The home is saved all the same.'),
});

/** Stopped for good; a suspended one is not. */
const isOver = (sandbox: Sandbox): boolean => sandbox.spec.desiredState === 'Stopped' && isAtRest(sandbox);

/**
 * Stops it and keeps its record. 204 means ended AND saved, and nothing else does: 202 while it is still being saved,
 * 200 where it ended and its home could not be published as its own.
 */
export const deleteRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'DELETE',
    path: '/sandboxes/:id',
    operationId: 'deleteSandbox',
    tag: 'sandboxes',
    summary: 'Stop a sandbox, save its home and keep its record',
    access: { kind: 'scope', scope: 'sandboxes:write' },
    headers: PREFER,
    query: DeleteQuery,
    responses: {
      204: { description: 'It has ended and its home is saved.' },
      202: {
        description: 'It is still ending, or its home is still being saved.',
        schema: SandboxRepresentation,
        headers: ETAG,
      },
      200: {
        description: 'It has ended; its home could not be published as its own.',
        schema: SandboxRepresentation,
        headers: ETAG,
      },
    },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' }, query: { graceful } }) => {
      const preference = takePreference(context);
      const { log, signal } = context.state;
      const seen = await findSandbox(dependencies, id, context.state);
      // This replica's cache may not know yet that it was started again: only the API server's word says that it is over.
      const found = isOver(seen) ? await readSandbox(dependencies, id, context.state) : seen;
      if (isOver(found)) return answerOver(context, found);

      const initial =
        found.metadata.deletionTimestamp === undefined || !graceful
          ? await requestStop(dependencies, found, { reason: 'user_requested', graceful })
          : found;
      log.info({ sandbox_id: id, user_id: found.spec.userId, graceful }, 'sandbox stop requested');
      if (preference.async) return answerSandbox(context, 202, initial);

      const end = await waitForSandbox(dependencies, {
        initial,
        judge: (sandbox) => (isOver(sandbox) ? true : undefined),
        limitMs: (preference.wait ?? dependencies.settings.stopTimeoutSeconds) * 1000,
        signal,
      });
      if (end.kind === 'settled') return answerOver(context, end.sandbox);
      if (end.kind !== 'gone') return answerSandbox(context, 202, end.sandbox);
      // The finalizer goes only after the home is saved.
      context.status = 204;
    },
  });

const answerOver = (context: FacadeContext, sandbox: Sandbox): void => {
  if (representSandbox(sandbox).workspace.saved === false) answerSandbox(context, 200, sandbox);
  else context.status = 204;
};
