import { z } from 'zod';
import { askFiles, type FileDependencies } from '../../files/ask-files.ts';
import { pathInUrl } from '../../files/encoded-path.ts';
import { FILE_PROBLEMS } from '../../files/file-problem.ts';
import { FileRepresentation, representFile } from '../../files/file-representation.ts';
import type { FacadeContext } from '../../request-state.ts';
import { type Route, route } from '../../route.ts';
import { RemoveQuery, WriteQuery } from './file-query.ts';
import { FIXED_SEGMENTS, TAR_TYPE } from './read.ts';

const access = { kind: 'scope', scope: 'files' } as const;
const path = '/sandboxes/:id/files/*path';
const params = { path: { description: 'From the root of the file system, or `~` and the path from the home.' } };

const Unpacked = z.object({ entries: z.int().min(0).describe('How many members the archive had.') });

export const writeRoutes = (dependencies: FileDependencies): readonly Route[] => [
  route({
    method: 'PUT',
    path,
    operationId: 'writeFile',
    tag: 'files',
    summary: 'Write a file, or unpack an archive into a directory',
    description:
      'The file is replaced at once when all of the body has come: who reads it sees the old content or the new. An ' +
      'upload that breaks off leaves the old file. `If-Match` writes only over what the client has seen, ' +
      '`If-None-Match: *` only where nothing is. With `archive=tar` the body is a tar stream; no member can get out of ' +
      'the directory.',
    access,
    params,
    query: WriteQuery,
    body: 'stream',
    bodyTypes: ['application/octet-stream', TAR_TYPE],
    responses: {
      200: {
        description: 'It is replaced; or the archive is unpacked.',
        schema: z.union([FileRepresentation, Unpacked]),
      },
      201: { description: 'It is new.', schema: FileRepresentation },
    },
    problems: [...FILE_PROBLEMS, 'precondition-failed'],
    handle: async (context, { params: { id = '' }, query }) => {
      const { files } = dependencies;
      const { signal } = context.state;
      const at = pathInUrl(context.url, FIXED_SEGMENTS);
      await askFiles(dependencies, id, context.state, async (target) => {
        if (query.archive === 'tar') {
          context.body = await files.unpack(target, at, context.req, signal);
          return;
        }
        const { mode, parents } = query;
        const file = { stream: context.req, headers: uploadHeaders(context), mode, parents };
        const { info, created } = await files.write(target, at, file, signal);
        context.status = created ? 201 : 200;
        context.set('ETag', info.etag);
        context.body = representFile(info);
      });
    },
  }),
  route({
    method: 'DELETE',
    path,
    operationId: 'removeFile',
    tag: 'files',
    summary: 'Remove a file or a directory',
    description: 'A symlink goes, and not what it leads to.',
    access,
    params,
    query: RemoveQuery,
    responses: { 204: { description: 'It is gone.' } },
    problems: FILE_PROBLEMS,
    handle: async (context, { params: { id = '' }, query }) => {
      const { signal } = context.state;
      const at = pathInUrl(context.url, FIXED_SEGMENTS);
      await askFiles(dependencies, id, context.state, (target) =>
        dependencies.files.remove(target, at, query.recursive, signal),
      );
      context.status = 204;
    },
  }),
];

/** The length, so that a full disk is known before the upload. */
const uploadHeaders = (context: FacadeContext): Readonly<Record<string, string>> =>
  Object.fromEntries(
    ['content-length', 'if-match', 'if-none-match'].flatMap((name) => {
      const value = context.get(name);
      return value === '' ? [] : [[name, value]];
    }),
  );
