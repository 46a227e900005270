import { Readable } from 'node:stream';
import { z } from 'zod';
import { SANDBOX_CONTAINER } from '../../../api/names.ts';
import { isKubeError } from '../../../kube/errors.ts';
import type { FacadeDependencies } from '../../dependencies.ts';
import { findSandbox } from '../../find-sandbox.ts';
import { ProblemError, makeProblem } from '../../problem.ts';
import { flag, wholeNumber } from '../../query-parameters.ts';
import { route } from '../../route.ts';
import { explanation, sandboxState } from '../../sandbox-status.ts';
import type { Sandbox } from '../../../api/sandbox.ts';

const DEFAULT_TAIL = 1000;
const MAX_TAIL = 100_000;
/** Of one that is not followed: a line may be as long as it likes. */
const MAX_BYTES = 16 * 1024 * 1024;
/** A container that has printed nothing is answered nothing; whoever follows it sees after so long that he is heard. */
const SILENCE_MS = 2000;

const LogsQuery = z.object({
  tail: wholeNumber(0, MAX_TAIL).optional().describe(`The last so many lines; ${DEFAULT_TAIL} unless given.`),
  since: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ format: 'date-time', pattern: undefined })
    .describe('Nothing older than that.'),
  follow: flag.default(false).describe('Goes on with what is printed from now on, until the container ends.'),
  timestamps: flag.default(false).describe('Each line begins with its time.'),
});
type LogsQuery = z.infer<typeof LogsQuery>;

/** What the container's own process has printed: not what commands print, which goes to whoever runs them. */
export const logsRoute = (dependencies: FacadeDependencies) =>
  route({
    method: 'GET',
    path: '/sandboxes/:id/logs',
    operationId: 'readSandboxLogs',
    tag: 'observe',
    summary: 'What the container has printed',
    description:
      'Of the pod that there is now; the log goes with the pod. It is what the container itself prints, not the output of commands.',
    access: { kind: 'scope', scope: 'sandboxes:read' },
    query: LogsQuery,
    responses: { 200: { description: 'Text, as it was printed.', contentType: 'text/plain', schema: z.string() } },
    problems: ['not-found', 'sandbox-not-running'],
    handle: async (context, { params: { id = '' }, query }) => {
      const sandbox = await findSandbox(dependencies, id, context.state);
      const { podName } = sandbox.status ?? {};
      if (podName === undefined) throw noLog(sandbox);
      const opened = openLog(dependencies, podName, query, context.state.signal).catch((error: unknown) => {
        // Gone meanwhile, or its container has not started yet.
        throw isKubeError(error, 'NotFound', 'BadRequest') ? noLog(sandbox, error) : error;
      });
      if (!query.follow || (await settlesWithin(dependencies, opened, context.state.signal))) await opened;
      context.status = 200;
      context.type = 'text/plain; charset=utf-8';
      context.body = Readable.from(chunks(opened), { objectMode: false });
      context.flushHeaders();
    },
  });

const openLog = (
  { kube, settings }: Pick<FacadeDependencies, 'kube' | 'settings'>,
  pod: string,
  { tail = DEFAULT_TAIL, since, follow, timestamps }: LogsQuery,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> =>
  kube.log(
    { namespace: settings.namespace, pod, container: SANDBOX_CONTAINER },
    {
      tailLines: tail,
      follow,
      timestamps,
      signal,
      ...(since === undefined ? {} : { sinceTime: since }),
      ...(follow ? {} : { limitBytes: MAX_BYTES }),
    },
  );

async function* chunks(opened: Promise<AsyncIterable<Uint8Array>>): AsyncGenerator<Uint8Array, void, undefined> {
  yield* await opened;
}

const settlesWithin = async (
  { clock }: Pick<FacadeDependencies, 'clock'>,
  work: Promise<unknown>,
  signal: AbortSignal,
): Promise<boolean> => {
  const over = new AbortController();
  const stop = AbortSignal.any([over.signal, signal]);
  const settled = work.then(
    () => true,
    () => true,
  );
  const silence = clock.sleep(SILENCE_MS, stop).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([settled, silence]);
  } finally {
    over.abort();
  }
};

const noLog = (sandbox: Sandbox, cause?: unknown): ProblemError => {
  const { name } = sandbox.metadata;
  const why = explanation(sandbox)?.message;
  const detail = `Sandbox ${name} has no log now: it is ${sandboxState(sandbox)}${why === undefined ? '' : ` (${why})`}`;
  return new ProblemError({ problem: makeProblem('sandbox-not-running', detail, { sandbox_id: name }) }, cause);
};
