import type { Sandbox } from '../../../api/sandbox.ts';
import { isKubeError } from '../../../kube/errors.ts';
import { answerSandbox } from '../../answer-sandbox.ts';
import { answerStart } from '../../answer-start.ts';
import { type Caller, mayActFor } from '../../caller.ts';
import { apiServerRefusal } from '../../api-server-refusal.ts';
import { changeSandbox } from '../../change-sandbox.ts';
import { type CreatedOnce, createSandbox, createSandboxOnce } from '../../create-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import {
  IDEMPOTENCY_KEY,
  type Idempotency,
  idempotencyAnnotation,
  idempotencyOf,
  IDEMPOTENT_REPLAYED,
} from '../../idempotency.ts';
import { valueAt } from '../../input-error.ts';
import { type Preference, takePreference } from '../../prefer.ts';
import { problemError } from '../../problem.ts';
import { SandboxRepresentation } from '../../representation.ts';
import { ETAG, LOCATION, PREFER } from '../../request-headers.ts';
import { giveUpStart, isRun, startPatch } from '../../request-start.ts';
import type { FacadeContext } from '../../request-state.ts';
import { route } from '../../route.ts';
import { wasGivenUp } from '../../sandbox-status.ts';
import { CreateSandboxRequest, requestedSandbox } from './create-request.ts';

/**
 * 201 once it takes commands. A start that fails is an error that carries the Sandbox, which is stopped and keeps its
 * record; so that whoever tries again is not kept waiting by what is left of the last try.
 */
export const createRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes',
    operationId: 'createSandbox',
    tag: 'sandboxes',
    summary: 'Start a sandbox for a user',
    description:
      'Answers when it takes commands. With an `Idempotency-Key` a request can be repeated safely: there is one sandbox, and every repetition waits for it like the first; one whose start was given up is started again. A key is known for as long as the sandbox is listed.',
    access: { kind: 'scope', scope: 'sandboxes:write' },
    headers: { ...PREFER, ...IDEMPOTENCY_KEY },
    body: CreateSandboxRequest,
    responses: {
      201: {
        description: 'It takes commands.',
        schema: SandboxRepresentation,
        headers: { ...LOCATION, ...ETAG, ...IDEMPOTENT_REPLAYED },
      },
      202: {
        description: 'It is starting, and the client preferred not to wait longer.',
        schema: SandboxRepresentation,
        headers: { ...LOCATION, ...ETAG, ...IDEMPOTENT_REPLAYED },
      },
    },
    problems: [
      'idempotency-key-reused',
      'too-many-sandboxes',
      'quota-exceeded',
      'override-not-allowed',
      'sandbox-stopped',
      'workspace-in-use',
      'start-failed',
      'start-timeout',
      'storage-unavailable',
      'no-capacity',
    ],
    handle: async (context, { body: request, rawBody }) => {
      if (!mayActFor(context.state.caller, request.user_id)) {
        throw problemError('not-allowed', `This API key may not act for the user ${request.user_id}`);
      }
      const preference = takePreference(context);
      const once = idempotencyOf(context, 'createSandbox', rawBody);
      const { sandbox, replayed } = await createdFor(dependencies, context.state.caller, request, rawBody, once);
      const { name } = sandbox.metadata;
      context.state.log.info(
        { sandbox_id: name, user_id: request.user_id },
        replayed ? 'sandbox asked for again' : 'sandbox created',
      );
      if (replayed) {
        context.set('Idempotent-Replayed', 'true');
        if (wasGivenUp(sandbox)) return startAgain(dependencies, context, sandbox, preference);
        // It has started, and what has become of it since is no failure of the start.
        if (sandbox.status?.startedAt !== undefined) {
          context.set('Location', `/sandboxes/${name}`);
          return answerSandbox(context, 201, sandbox);
        }
      }
      await answerStart(dependencies, context, {
        initial: sandbox,
        preference,
        status: 201,
        abandon: (failed) => giveUpStart(dependencies, context.state.log, failed),
      });
    },
  });

const createdFor = async (
  dependencies: FacadeDependencies,
  caller: Caller,
  request: CreateSandboxRequest,
  rawBody: unknown,
  once: Idempotency | undefined,
): Promise<CreatedOnce> => {
  const { namespace } = dependencies.settings;
  const annotations = once === undefined ? {} : idempotencyAnnotation(once);
  const make = (name: string) => requestedSandbox(name, namespace, request, valueAt(rawBody, ['config']), annotations);
  try {
    if (once !== undefined) return await createSandboxOnce(dependencies, caller, once, make);
    return { sandbox: await createSandbox(dependencies, caller, make), replayed: false };
  } catch (error) {
    throw isKubeError(error, 'Invalid', 'BadRequest') ? apiServerRefusal(error, rawBody) : error;
  }
};

/** The key is the same, and so is the sandbox: what keeps its client from trying again is no start at all. */
const startAgain = async (
  dependencies: FacadeDependencies,
  context: FacadeContext,
  { metadata: { name } }: Sandbox,
  preference: Preference,
): Promise<void> => {
  const run = dependencies.random.hex(8);
  let isAsked = false;
  const initial = await dependencies.quota.within(context.state.caller, () =>
    changeSandbox(dependencies, context.state, {
      id: name,
      decide: (sandbox) => {
        isAsked = wasGivenUp(sandbox);
        return isAsked ? startPatch(run) : undefined;
      },
    }),
  );
  await answerStart(dependencies, context, {
    initial,
    preference,
    status: 201,
    ...(isAsked ? { isCurrent: isRun(run) } : {}),
    abandon: (failed) => giveUpStart(dependencies, context.state.log, failed),
  });
};
