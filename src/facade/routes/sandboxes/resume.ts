import type { Sandbox } from '../../../api/sandbox.ts';
import { answerStart } from '../../answer-start.ts';
import { changeSandbox } from '../../change-sandbox.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { takePreference } from '../../prefer.ts';
import { problemError } from '../../problem.ts';
import { SandboxRepresentation } from '../../representation.ts';
import { ETAG, IF_MATCH, LOCATION, PREFER } from '../../request-headers.ts';
import { isRun, startPatch } from '../../request-start.ts';
import type { FacadeContext } from '../../request-state.ts';
import { route } from '../../route.ts';
import { isOver, sandboxState } from '../../sandbox-status.ts';

const GOING: readonly string[] = ['creating', 'starting', 'ready', 'running'];

/** Starts one that has ended: the same id, the same home, a new lifetime. */
export const resumeRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'POST',
    path: '/sandboxes/:id/resume',
    operationId: 'resumeSandbox',
    tag: 'sandboxes',
    summary: 'Start a sandbox that has ended',
    description:
      'One that is suspended, stopped or expired gets a new run with its own id, its home as it was saved, and a lifetime that counts anew. A start that fails leaves it suspended. Resuming one that runs changes nothing.',
    access: { kind: 'scope', scope: 'sandboxes:write' },
    headers: { ...PREFER, ...IF_MATCH },
    responses: {
      200: { description: 'It takes commands.', schema: SandboxRepresentation, headers: { ...ETAG, ...LOCATION } },
      202: {
        description: 'It is starting, and the client preferred not to wait longer.',
        schema: SandboxRepresentation,
        headers: { ...ETAG, ...LOCATION },
      },
    },
    problems: [
      'not-found',
      'precondition-failed',
      'too-many-sandboxes',
      'quota-exceeded',
      'override-not-allowed',
      'invalid-input',
      'sandbox-stopped',
      'workspace-in-use',
      'start-failed',
      'start-timeout',
      'storage-unavailable',
      'no-capacity',
    ],
    handle: async (context, { params: { id = '' } }) => {
      const preference = takePreference(context);
      const run = dependencies.random.hex(8);
      let isAsked = false;
      const resume = (): Promise<Sandbox> =>
        changeSandbox(dependencies, context.state, {
          id,
          ifMatch: context.get('if-match'),
          decide: (sandbox) => {
            requirePresence(sandbox);
            isAsked = !isGoing(sandbox);
            return isAsked ? startPatch(run) : undefined;
          },
        });
      const isCounted = isGoing(await findSandbox(dependencies, id, context.state));
      const initial = await (isCounted ? resume() : dependencies.quota.within(context.state.caller, resume));
      context.state.log.info({ sandbox_id: id, user_id: initial.spec.userId }, 'sandbox resume requested');
      await answerStart(dependencies, context, {
        initial,
        preference,
        status: 200,
        ...(isAsked ? { isCurrent: isRun(run) } : {}),
        abandon: (sandbox) => suspendAgain(dependencies, context, sandbox),
      });
    },
  });

/** A failed one that is still wanted is being tried again by the controller; a new run would change nothing for it. */
const isGoing = (sandbox: Sandbox): boolean =>
  sandbox.spec.desiredState === 'Running' && !isOver(sandbox) && [...GOING, 'failed'].includes(sandboxState(sandbox));

const requirePresence = ({ metadata: { name, deletionTimestamp } }: Sandbox): void => {
  if (deletionTimestamp === undefined) return;
  throw problemError('sandbox-stopped', `Sandbox ${name} is being deleted`, { sandbox_id: name });
};

/** So that it does not go on failing; what it was resumed from is kept. Never throws. */
const suspendAgain = async (
  dependencies: FacadeDependencies,
  { state }: Pick<FacadeContext, 'state'>,
  { metadata: { name } }: Sandbox,
): Promise<void> => {
  try {
    await changeSandbox(dependencies, state, {
      id: name,
      decide: ({ spec }) => (spec.desiredState === 'Running' ? { spec: { desiredState: 'Suspended' } } : undefined),
    });
  } catch (error) {
    // The client hears of the start, which is worse; the Sandbox goes on trying.
    state.log.warn({ sandbox_id: name, err: error }, 'a sandbox whose start failed could not be suspended again');
  }
};
