import { z } from 'zod';
import type { ProcessInfo } from '../../../sandboxd/protocol/process.ts';
import { askDaemon } from '../../daemon/find-daemon.ts';
import type { DaemonProcesses } from '../../daemon/processes.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { problemError } from '../../problem.ts';
import type { OutputStream } from '../../processes/cursor.ts';
import { followOutput } from '../../processes/follow-output.ts';
import { MAX_OFFSET, PROCESS_ID } from '../../processes/process-request.ts';
import { RAW_TYPE, rawStreams } from '../../processes/raw-output.ts';
import { flag, wholeNumber } from '../../query-parameters.ts';
import { type Route, route } from '../../route.ts';
import { streamAnswer } from '../../stream-answer.ts';

type ProcessDependencies = FacadeDependencies & { readonly processes: DaemonProcesses };

const BytesQuery = z.object({
  offset: wholeNumber(0, MAX_OFFSET)
    .default(0)
    .describe('How many bytes of it are there already: after a connection that broke, it goes on behind them.'),
  follow: flag.default(true).describe('Whether to wait for what the process will write.'),
});

/** What a process writes to one of its streams, as nothing but bytes: what a pipe would carry. */
export const processBytesRoutes = (dependencies: ProcessDependencies): readonly Route[] => [
  bytesRoute(dependencies, 'stdout', ['stdout', 'pty'], 'Of a process with a terminal, all that it shows.'),
  bytesRoute(dependencies, 'stderr', ['stderr'], 'Of a process with a terminal there is none.'),
];

const bytesRoute = (
  dependencies: ProcessDependencies,
  name: 'stdout' | 'stderr',
  streams: readonly OutputStream[],
  ofTerminal: string,
): Route =>
  route({
    method: 'GET',
    path: `/sandboxes/:id/processes/:pid/${name}`,
    params: PROCESS_ID,
    operationId: name === 'stdout' ? 'getProcessStdout' : 'getProcessStderr',
    tag: 'commands',
    summary: `The ${name} of a process, as bytes`,
    description:
      `${ofTerminal} 400 where bytes behind the offset have been dropped; an answer that would miss some breaks off. ` +
      'How the process ended is not said here.',
    access: { kind: 'scope', scope: 'exec' },
    query: BytesQuery,
    responses: { 200: { description: 'The bytes.', contentType: RAW_TYPE } },
    problems: ['bad-request', 'not-found', 'wrong-state', 'sandbox-not-running', 'sandbox-unreachable'],
    handle: async (context, { params: { id = '', pid = '' }, query: { offset, follow } }) => {
      const { processes } = dependencies;
      const { signal } = context.state;
      const asksHead = context.method === 'HEAD';
      const { info, ...followed } = await askDaemon(dependencies, id, context.state, async (target) => {
        const now = await processes.get(target, pid, signal);
        requireFrom(now, streams, offset);
        const from = { cursor: now.outputFrom, follow };
        const frames = asksHead ? undefined : await processes.output(target, pid, from, signal);
        return { target, id: pid, offset: now.outputFrom, frames, info: now };
      });
      const { frames } = followed;
      if (frames === undefined) {
        context.type = RAW_TYPE;
        context.body = '';
        return;
      }
      const all = follow ? followOutput(dependencies, { ...followed, frames }, signal) : frames;
      await streamAnswer(context, RAW_TYPE, rawStreams(streams, offset - droppedOf(info, streams), all));
    },
  });

/** How many bytes of the streams came before the first that is still there. */
const droppedOf = ({ outputFrom, dropped }: ProcessInfo, streams: readonly OutputStream[]): number => {
  if (dropped === undefined) return outputFrom === 0 ? 0 : Infinity;
  return streams.reduce((sum, stream) => sum + dropped[stream], 0);
};

const requireFrom = (info: ProcessInfo, streams: readonly OutputStream[], offset: number): void => {
  const first = droppedOf(info, streams);
  if (first <= offset) return;
  const remedy = Number.isFinite(first) ? `ask with offset=${first}` : 'ask for …/output, which says what is missing';
  throw problemError('bad-request', `Bytes behind ${offset} have been dropped: ${remedy}`);
};
