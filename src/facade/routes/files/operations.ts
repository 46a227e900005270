import { z } from 'zod';
import { askFiles, type FileDependencies } from '../../files/ask-files.ts';
import { FILE_PROBLEMS } from '../../files/file-problem.ts';
import { FileRepresentation, representFile } from '../../files/file-representation.ts';
import { type Route, route } from '../../route.ts';
import { EncodedPathText, pathOf, PathText } from './path-body.ts';

const access = { kind: 'scope', scope: 'files' } as const;

const StatRequest = z.strictObject({
  path: PathText,
  encoded_path: EncodedPathText,
  follow: z.boolean().default(true).describe('Of a symlink: whether what it leads to is described.'),
});

const MakeDirectoryRequest = z.strictObject({
  path: PathText,
  encoded_path: EncodedPathText,
  parents: z.boolean().default(false).describe('Makes those above it too, and takes it for done where it is there.'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3,4}$/, 'mode must be octal permission bits, such as 0755')
    .optional(),
});

const MoveRequest = z.strictObject({
  from: PathText,
  from_encoded: EncodedPathText,
  to: PathText,
  to_encoded: EncodedPathText,
  overwrite: z.boolean().default(false).describe('Whether a file may be replaced.'),
  parents: z.boolean().default(false).describe('Makes the directories above the new place.'),
});

export const fileOperationRoutes = (dependencies: FileDependencies): readonly Route[] => [
  route({
    method: 'POST',
    path: '/sandboxes/:id/files/stat',
    operationId: 'describeFile',
    tag: 'files',
    summary: 'What is known of a file',
    access,
    body: StatRequest,
    responses: { 200: { description: 'What it is.', schema: FileRepresentation } },
    problems: FILE_PROBLEMS,
    handle: async (context, { params: { id = '' }, body }) => {
      const at = pathOf('path', body.path, body.encoded_path);
      context.body = await askFiles(dependencies, id, context.state, async (target) =>
        representFile(await dependencies.files.stat(target, at, body.follow, context.state.signal)),
      );
    },
  }),
  route({
    method: 'POST',
    path: '/sandboxes/:id/files/mkdir',
    operationId: 'makeDirectory',
    tag: 'files',
    summary: 'Make a directory',
    access,
    body: MakeDirectoryRequest,
    responses: {
      200: { description: 'It was there already (with `parents`).', schema: FileRepresentation },
      201: { description: 'It is made.', schema: FileRepresentation },
    },
    problems: FILE_PROBLEMS,
    handle: async (context, { params: { id = '' }, body }) => {
      const { parents, mode } = body;
      const at = pathOf('path', body.path, body.encoded_path);
      await askFiles(dependencies, id, context.state, async (target) => {
        const options = { parents, mode };
        const { info, created } = await dependencies.files.makeDirectory(target, at, options, context.state.signal);
        context.status = created ? 201 : 200;
        context.body = representFile(info);
      });
    },
  }),
  route({
    method: 'POST',
    path: '/sandboxes/:id/files/move',
    operationId: 'moveFile',
    tag: 'files',
    summary: 'Move or rename a file or a directory',
    access,
    body: MoveRequest,
    responses: { 200: { description: 'Where it is now.', schema: FileRepresentation } },
    problems: FILE_PROBLEMS,
    handle: async (context, { params: { id = '' }, body }) => {
      const { overwrite, parents } = body;
      const from = pathOf('from', body.from, body.from_encoded);
      const to = pathOf('to', body.to, body.to_encoded);
      context.body = await askFiles(dependencies, id, context.state, async (target) =>
        representFile(await dependencies.files.move(target, { from, to, overwrite, parents }, context.state.signal)),
      );
    },
  }),
];
