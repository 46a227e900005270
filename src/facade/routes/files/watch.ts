import { z } from 'zod';
import type { FileEvent } from '../../../sandboxd/protocol/files.ts';
import { askFiles, type FileDependencies } from '../../files/ask-files.ts';
import { parameterAsItCame, encodePath } from '../../files/encoded-path.ts';
import { FILE_PROBLEMS, fileProblem } from '../../files/file-problem.ts';
import { toResponse } from '../../middleware/answer-problems.ts';
import { EVENT_STREAM_START, EVENT_STREAM_TYPE, problemText } from '../../processes/event-stream.ts';
import { ClientGone, type RequestState } from '../../request-state.ts';
import { route } from '../../route.ts';
import { streamAnswer } from '../../stream-answer.ts';
import { Flag } from './file-query.ts';

const WatchQuery = z.object({
  path: z
    .string()
    .min(1)
    .default('.')
    .describe('A directory: absolute, or relative to the home. The home, unless given.'),
  recursive: Flag.default(false).describe('Whether all below it is watched as well.'),
});

export const watchRoute = (dependencies: FileDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id/watch',
    operationId: 'watchFiles',
    tag: 'files',
    summary: 'What happens to the files of a directory, as it happens',
    description:
      'Server-sent events: ready (from now on all is told), created, changed, attributes, removed, moved (with `from`), ' +
      'overflow (more happened than can be told: look anew). They have no ids: after a connection that broke, look anew.',
    access: { kind: 'scope', scope: 'files' },
    query: WatchQuery,
    responses: { 200: { description: 'The events.', contentType: EVENT_STREAM_TYPE } },
    problems: FILE_PROBLEMS,
    handle: async (context, { params: { id = '' }, query }) => {
      const { state } = context;
      const at = parameterAsItCame(context.querystring, 'path') ?? encodePath(query.path);
      const events = await askFiles(dependencies, id, state, (target) =>
        dependencies.files.watch(target, at, query.recursive, state.signal),
      );
      if (context.method === 'HEAD') {
        await events.return(undefined);
        context.type = EVENT_STREAM_TYPE;
        context.body = '';
        return;
      }
      await streamAnswer(context, EVENT_STREAM_TYPE, eventTexts(events, id, state));
    },
  });

async function* eventTexts(
  events: AsyncIterable<FileEvent>,
  sandbox: string,
  { signal }: Pick<RequestState, 'signal'>,
): AsyncGenerator<string> {
  yield EVENT_STREAM_START;
  try {
    for await (const event of events) yield eventText(event);
  } catch (error) {
    if (signal.reason instanceof ClientGone) return;
    yield problemText(toResponse(signal.aborted ? signal.reason : fileProblem(error, sandbox)).problem);
  }
}

const eventText = ({ type, path, encodedPath, from, encodedFrom }: FileEvent): string =>
  type === 'keepalive'
    ? ': keepalive\n\n'
    : `event: ${type}\ndata: ${JSON.stringify({ path, encoded_path: encodedPath, from, encoded_from: encodedFrom })}\n\n`;
