import { z } from 'zod';
import { WorkspaceRestore } from '../../../api/workspace.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { findWorkspace, userOf, WorkspaceChoice } from '../../find-workspace.ts';
import { IDEMPOTENCY_KEY, idempotencyOf } from '../../idempotency.ts';
import { problemError } from '../../problem.ts';
import { forgetRestore, restoreWorkspace } from '../../restore-workspace.ts';
import { type Route, route } from '../../route.ts';
import { Commit, representWorkspace, WorkspaceRepresentation } from '../../workspace-representation.ts';

const WorkspaceQuery = z.object({ name: WorkspaceChoice });
const RestoreRequest = z.strictObject({
  commit: z
    .union([z.int().min(1), WorkspaceRestore.shape.manifest.unwrap()])
    .describe('The commit, by its `sequence` or by its `manifest`.'),
  name: WorkspaceChoice,
});

/** The durable files of users: their state, their history, and the way back. */
export const workspaceRoutes = (dependencies: FacadeDependencies): readonly Route[] => [
  route({
    method: 'GET',
    path: '/sandboxes/:id/workspace',
    operationId: 'getSandboxWorkspace',
    tag: 'workspaces',
    summary: 'The workspace that a sandbox has',
    access: { kind: 'scope', scope: 'sandboxes:read', self: true },
    responses: { 200: { description: 'The workspace.', schema: WorkspaceRepresentation } },
    problems: ['not-found'],
    handle: async (context, { params: { id = '' } }) => {
      const { spec } = await findSandbox(dependencies, id, context.state);
      if (spec.workspace?.ephemeral) {
        throw problemError('not-found', `Sandbox ${id} has an ephemeral home, and no workspace`);
      }
      const key = { userId: spec.userId, name: spec.workspace?.name };
      context.body = representWorkspace(await findWorkspace(dependencies, key, context.state.signal));
    },
  }),
  route({
    method: 'GET',
    path: '/users/:user/workspace',
    operationId: 'getWorkspace',
    tag: 'workspaces',
    summary: 'The workspace of a user',
    access: { kind: 'scope', scope: 'workspaces' },
    query: WorkspaceQuery,
    responses: { 200: { description: 'The workspace.', schema: WorkspaceRepresentation } },
    problems: ['not-found'],
    handle: async (context, { params, query: { name } }) => {
      const key = { userId: userOf(params, context.state), name };
      context.body = representWorkspace(await findWorkspace(dependencies, key, context.state.signal));
    },
  }),
  route({
    method: 'GET',
    path: '/users/:user/workspace/commits',
    operationId: 'listCommits',
    tag: 'workspaces',
    summary: "The commits of a user's workspace",
    description:
      'The newest, as node drivers have told of them; `matrx workspace log` reads all of them from the bucket.',
    access: { kind: 'scope', scope: 'workspaces' },
    query: WorkspaceQuery,
    responses: {
      200: { description: 'The commits, the newest first.', schema: z.object({ commits: z.array(Commit) }) },
    },
    problems: ['not-found'],
    handle: async (context, { params, query: { name } }) => {
      const key = { userId: userOf(params, context.state), name };
      const { history } = representWorkspace(await findWorkspace(dependencies, key, context.state.signal));
      context.body = { commits: history };
    },
  }),
  route({
    method: 'POST',
    path: '/users/:user/workspace/restore',
    operationId: 'restoreWorkspace',
    tag: 'workspaces',
    summary: 'Go back to an older commit',
    description:
      'The next sandbox of the workspace begins with that commit’s tree, as a new commit on top: nothing is lost, and going back can be undone in the same way. Only while no sandbox has the workspace (409). With an `Idempotency-Key` a repetition changes nothing.',
    access: { kind: 'scope', scope: 'workspaces' },
    headers: IDEMPOTENCY_KEY,
    body: RestoreRequest,
    responses: {
      200: { description: 'It was done before, for the same request.', schema: WorkspaceRepresentation },
      202: { description: 'The next sandbox begins with it.', schema: WorkspaceRepresentation },
    },
    problems: ['not-found', 'workspace-in-use', 'idempotency-key-reused'],
    handle: async (context, { params, body: { commit, name }, rawBody }) => {
      const userId = userOf(params, context.state);
      const once = idempotencyOf(context, `restoreWorkspace/${userId}`, rawBody);
      const requestId = once?.key.slice(0, 40) ?? dependencies.random.hex(16);
      const { signal, log } = context.state;
      const workspace = await restoreWorkspace(dependencies, { userId, name }, { requestId, commit }, signal);
      log.info({ user_id: userId, workspace: workspace.metadata.name, commit }, 'workspace restore requested');
      const shown = representWorkspace(workspace);
      const isDone = shown.restore?.request_id === requestId && shown.restore.state === 'done';
      context.status = isDone ? 200 : 202;
      context.body = shown;
    },
  }),
  route({
    method: 'DELETE',
    path: '/users/:user/workspace/restore',
    operationId: 'forgetRestore',
    tag: 'workspaces',
    summary: 'Take back what was asked for and not done yet',
    description:
      'Also while a sandbox cannot start because of it: a commit that is damaged, or not there, is never made the home, and the start waits until nobody asks for it.',
    access: { kind: 'scope', scope: 'workspaces' },
    query: WorkspaceQuery,
    responses: { 200: { description: 'The workspace, of which nothing is asked.', schema: WorkspaceRepresentation } },
    problems: ['not-found'],
    handle: async (context, { params, query: { name } }) => {
      const key = { userId: userOf(params, context.state), name };
      context.body = representWorkspace(await forgetRestore(dependencies, key, context.state.signal));
    },
  }),
];
