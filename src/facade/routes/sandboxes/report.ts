import { z } from 'zod';
import { ANNOTATION_ERROR, ANNOTATION_RESULT } from '../../../api/names.ts';
import type { Sandbox } from '../../../api/sandbox.ts';
import { changeSandbox, type SandboxPatch } from '../../change-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { valueAt } from '../../input-error.ts';
import { stopPatch } from '../../request-stop.ts';
import { type Route, route } from '../../route.ts';
import { errorAnnotation, resultAnnotation } from '../../sandbox-report.ts';
import { sandboxState } from '../../sandbox-status.ts';

const AnyObject = z.looseObject({});
const ShuttingDown = { status: z.literal('shutting_down'), sandbox_id: z.string() };

/** Of those that have ended nothing is written any more. */
const isOver = (sandbox: Sandbox): boolean => ['stopped', 'expired'].includes(sandboxState(sandbox));

/** While it is being stopped, what was said first stays, and so does the reason that was given first. */
const lastWords =
  (annotation: string, value: string, reason: 'graceful_shutdown' | 'error') =>
  (sandbox: Sandbox): SandboxPatch | undefined => {
    if (isOver(sandbox)) return undefined;
    const isSaid = sandbox.metadata.annotations?.[annotation] !== undefined;
    if (isSaid && sandbox.spec.desiredState === 'Stopped') return undefined;
    const patch = stopPatch(sandbox, { reason, graceful: true });
    return { ...patch, annotations: { ...patch.annotations, [annotation]: value } };
  };

/**
 * A sandbox's own last words: it is done, or it gives up. Either is written down and ends it, gracefully and without
 * anybody waiting: the one who says so is being ended.
 */
export const reportRoutes = (dependencies: FacadeDependencies): readonly Route[] => [
  route({
    method: 'POST',
    path: '/sandboxes/:id/complete',
    operationId: 'completeSandbox',
    tag: 'sandboxes',
    summary: 'Say that a sandbox has done its work',
    description:
      'Stops it gracefully, with the reason `graceful_shutdown`; its home is saved. The result is shown with the sandbox; one of more than 64 KiB of JSON is not kept, and the record says so. Saying it again changes nothing.',
    access: { kind: 'scope', scope: 'sandboxes:write', self: true },
    body: z.strictObject({ result: AnyObject.default({}) }).nullish(),
    responses: { 200: { description: 'It is being ended.', schema: z.object(ShuttingDown) } },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' }, rawBody }) => {
      const value = resultAnnotation(valueAt(rawBody, ['result']));
      const decide = lastWords(ANNOTATION_RESULT, value, 'graceful_shutdown');
      const { spec } = await changeSandbox(dependencies, context.state, { id, decide });
      context.state.log.info({ sandbox_id: id, user_id: spec.userId }, 'sandbox has completed');
      context.body = { status: 'shutting_down', sandbox_id: id };
    },
  }),
  route({
    method: 'POST',
    path: '/sandboxes/:id/error',
    operationId: 'failSandbox',
    tag: 'sandboxes',
    summary: 'Say that a sandbox has failed',
    description:
      'Stops it gracefully, with the reason `error`; its home is saved. The error is shown with the sandbox, cut at 4,096 characters, and its details up to 64 KiB of JSON. Saying it again changes nothing.',
    access: { kind: 'scope', scope: 'sandboxes:write', self: true },
    body: z.strictObject({ error: z.string(), details: AnyObject.default({}) }),
    responses: {
      200: {
        description: 'It is being ended.',
        schema: z.object({ ...ShuttingDown, error_received: z.literal(true) }),
      },
    },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' }, body: { error }, rawBody }) => {
      const value = errorAnnotation(error, valueAt(rawBody, ['details']));
      const decide = lastWords(ANNOTATION_ERROR, value, 'error');
      const { spec } = await changeSandbox(dependencies, context.state, { id, decide });
      const said = error.slice(0, 500);
      context.state.log.warn({ sandbox_id: id, user_id: spec.userId, error: said }, 'sandbox has reported an error');
      context.body = { status: 'shutting_down', sandbox_id: id, error_received: true };
    },
  }),
];
