import type { Sandbox } from '../../../api/sandbox.ts';
import { answerSandbox } from '../../answer-sandbox.ts';
import { changeSandbox } from '../../change-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { takePreference } from '../../prefer.ts';
import { problemError } from '../../problem.ts';
import { SandboxRepresentation } from '../../representation.ts';
import { ETAG, IF_MATCH, PREFER } from '../../request-headers.ts';
import { route } from '../../route.ts';
import { sandboxState } from '../../sandbox-status.ts';
import { waitForSandbox } from '../../wait-for-sandbox.ts';

const isSuspended = (sandbox: Sandbox): boolean => sandboxState(sandbox) === 'suspended';

/** Ends its processes and saves its home; it can be resumed, and is kept until it is deleted. */
export const suspendRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/suspend',
    operationId: 'suspendSandbox',
    tag: 'sandboxes',
    summary: 'End a sandbox until it is resumed',
    description:
      'Its processes end and its home is saved; an ephemeral home is gone with the processes. A suspended sandbox is kept until somebody deletes it. Suspending one that is suspended changes nothing.',
    access: { kind: 'scope', scope: 'sandboxes:write' },
    headers: { ...PREFER, ...IF_MATCH },
    responses: {
      200: { description: 'It is suspended.', schema: SandboxRepresentation, headers: ETAG },
      202: {
        description: 'It is still ending, or its home is still being saved.',
        schema: SandboxRepresentation,
        headers: ETAG,
      },
    },
    problems: ['not-found', 'sandbox-not-running', 'precondition-failed'],
    handle: async (context, { params: { id = '' } }) => {
      const { log, signal } = context.state;
      const preference = takePreference(context);
      const initial = await changeSandbox(dependencies, context.state, {
        id,
        ifMatch: context.get('if-match'),
        decide: (sandbox) => {
          if (isSuspended(sandbox) || sandbox.spec.desiredState === 'Suspended') return undefined;
          requireLife(sandbox);
          return { spec: { desiredState: 'Suspended' } };
        },
      });
      log.info({ sandbox_id: id, user_id: initial.spec.userId }, 'sandbox suspend requested');
      if (isSuspended(initial)) return answerSandbox(context, 200, initial);
      if (preference.async) return answerSandbox(context, 202, initial);
      const end = await waitForSandbox(dependencies, {
        initial,
        judge: (sandbox) => (isSuspended(sandbox) ? true : undefined),
        limitMs: (preference.wait ?? dependencies.settings.stopTimeoutSeconds) * 1000,
        signal,
      });
      if (end.kind === 'gone') throw problemError('not-found', `Sandbox ${id} was deleted while it was suspended`);
      answerSandbox(context, end.kind === 'settled' ? 200 : 202, end.sandbox);
    },
  });

/** What has ended for good, or is about to, has nothing left to be suspended. */
const requireLife = (sandbox: Sandbox): void => {
  const { deletionTimestamp, name } = sandbox.metadata;
  const state = sandboxState(sandbox);
  if (deletionTimestamp === undefined && sandbox.spec.desiredState !== 'Stopped' && state !== 'expired') return;
  throw problemError('sandbox-not-running', `Sandbox ${name} cannot be suspended: it is ${state}`, {
    sandbox_id: name,
  });
};
