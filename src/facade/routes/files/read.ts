import type { z } from 'zod';
import { DaemonError } from '../../../sandboxd/protocol/problem.ts';
import type { DaemonTarget } from '../../daemon/connections.ts';
import type { DaemonFiles } from '../../daemon/files.ts';
import { askFiles, type FileDependencies } from '../../files/ask-files.ts';
import { asEncodedPath, type EncodedPath, lastName, pathInUrl } from '../../files/encoded-path.ts';
import { FILE_PROBLEMS } from '../../files/file-problem.ts';
import { FilePage, representFile } from '../../files/file-representation.ts';
import { describeFile, fileHeaders, serveFile } from '../../files/serve-file.ts';
import { relayAnswer } from '../../relay-answer.ts';
import type { FacadeContext } from '../../request-state.ts';
import { type Route, route } from '../../route.ts';
import { ReadQuery } from './file-query.ts';

type Query = z.infer<typeof ReadQuery>;

export const TAR_TYPE = 'application/x-tar';

const description =
  'A file is answered with its bytes: one `Range`, `ETag`, `If-None-Match`, `If-Range`, `If-Match`. A directory is ' +
  'answered with a page of its entries, in the order of their names, or with `archive=tar` as a tar stream. The path is ' +
  'from the root of the file system; one that begins with `~` is from the home.';

/** Two routes of one handler: the root of the file system has no path. */
export const readRoutes = (dependencies: FileDependencies): readonly Route[] =>
  (['/sandboxes/:id/files', '/sandboxes/:id/files/*path'] as const).map((path) =>
    route({
      method: 'GET',
      path,
      operationId: path.endsWith('*path') ? 'readFile' : 'readRoot',
      tag: 'files',
      summary: path.endsWith('*path') ? 'A file, or what is in a directory' : 'What is in the root of the file system',
      description,
      access: { kind: 'scope', scope: 'files' },
      params: { path: { description: 'From the root of the file system, or `~` and the path from the home.' } },
      query: ReadQuery,
      responses: {
        200: {
          description: 'The bytes of the file; or a page of the directory; or a tar stream.',
          contentType: 'application/octet-stream',
          alternatives: { 'application/json': FilePage, [TAR_TYPE]: undefined },
        },
        206: { description: 'The bytes of the range.', contentType: 'application/octet-stream' },
        304: { description: 'It is still what the client has.' },
      },
      problems: [...FILE_PROBLEMS, 'precondition-failed', 'range-not-satisfiable'],
      handle: async (context, { params: { id = '' }, query }) => {
        await askFiles(dependencies, id, context.state, (target) =>
          answer(context, dependencies.files, target, pathInUrl(context.url, FIXED_SEGMENTS), query),
        );
      },
    }),
  );

/** `sandboxes`, the id, `files`. */
export const FIXED_SEGMENTS = 3;

const answer = async (
  context: FacadeContext,
  files: DaemonFiles,
  target: DaemonTarget,
  path: EncodedPath,
  query: Query,
): Promise<void> => {
  const { signal } = context.state;
  const { download } = query;
  if (query.archive === 'tar' || context.get('accept').trim().toLowerCase().startsWith(TAR_TYPE)) {
    return answerArchive(context, files, target, path);
  }
  if (context.method === 'HEAD') {
    const info = await files.stat(target, path, true, signal);
    if (info.kind !== 'directory') return describeFile(context, info, path, download);
    return answerPage(context, files, target, path, { ...query, limit: 1 });
  }
  try {
    await serveFile(context, files, { target, path, download });
  } catch (error) {
    if (!(error instanceof DaemonError) || error.reason !== 'is_directory') throw error;
    await answerPage(context, files, target, path, query);
  }
};

const answerPage = async (
  context: FacadeContext,
  files: DaemonFiles,
  target: DaemonTarget,
  path: EncodedPath,
  { depth, limit, after }: Query,
): Promise<void> => {
  const cursor = after === undefined ? undefined : asEncodedPath(after);
  const { entries, next } = await files.list(target, path, { depth, limit, after: cursor }, context.state.signal);
  context.body = { entries: entries.map(representFile), next };
};

const answerArchive = async (
  context: FacadeContext,
  files: DaemonFiles,
  target: DaemonTarget,
  path: EncodedPath,
): Promise<void> => {
  const body = await files.pack(target, path, context.state.signal);
  const headers = { ...fileHeaders(`${archiveName(path)}.tar`, true), 'Cache-Control': 'no-store' };
  await relayAnswer(context, { status: 200, headers, body });
};

const archiveName = (path: EncodedPath): string => {
  const name = lastName(path);
  return ['', '.'].includes(name) ? 'files' : name;
};
