import { ANNOTATION_NEW_RUN, GROUP_VERSION } from '../api/names.ts';
import { rfc3339 } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Cluster } from './cluster/cluster.ts';
import { run } from './command.ts';
import { ensureApiKey } from './install.ts';
import type { Local } from './local.ts';
import type { StepContext } from './step.ts';
import { waitFor } from './wait.ts';

export const FIRST_SANDBOX = 'hello';
const ANSWER_WITHIN_MS = 60_000;

/**
 * Makes a Sandbox with kubectl, waits for it and runs a command in it through the facade: when this succeeds,
 * everything works together. A Sandbox that is there already is asked again.
 */
export const answerFromSandbox = async (
  local: Local,
  cluster: Cluster,
  url: string,
  context: StepContext,
): Promise<string> => {
  const options = { env: local.env, log: context.log, signal: context.signal };
  const sandbox = {
    apiVersion: GROUP_VERSION,
    kind: 'Sandbox',
    metadata: {
      name: FIRST_SANDBOX,
      namespace: 'sandboxes',
      // One that has expired since the last time starts again.
      annotations: { [ANNOTATION_NEW_RUN]: rfc3339(local.clock.now()) },
    },
    spec: { userId: FIRST_SANDBOX, desiredState: 'Running' },
  };
  await run(
    [...cluster.kubectl, 'apply', '--server-side', '--force-conflicts', '--field-manager=matrx-up', '-f', '-'],
    {
      ...options,
      input: JSON.stringify(sandbox),
    },
  );
  context.report(`waiting for Sandbox ${FIRST_SANDBOX} to be ready`);
  const target = `sandboxes.matrx.dev/${FIRST_SANDBOX}`;
  try {
    await run(
      [...cluster.kubectl, '-n', 'sandboxes', 'wait', '--for=condition=Ready', target, '--timeout=120s'],
      options,
    );
  } catch (error) {
    const description = await run([...cluster.kubectl, '-n', 'sandboxes', 'describe', target], options).catch(
      errorMessage,
    );
    throw new Error(`${errorMessage(error)}\n${description}`, { cause: error });
  }
  const apiKey = await ensureApiKey(local);
  // Where the cluster's state is older than its node's start, what was ready before is still said to be for a moment.
  return waitFor(() => execThroughFacade(url, apiKey), {
    clock: local.clock,
    what: `an answer from Sandbox ${FIRST_SANDBOX}`,
    deadlineMs: ANSWER_WITHIN_MS,
    everyMs: 500,
    signal: context.signal,
  });
};

const execThroughFacade = async (url: string, apiKey: string): Promise<string> => {
  const response = await fetch(new URL(`/sandboxes/${FIRST_SANDBOX}/exec`, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: JSON.stringify({ command: 'echo "$(whoami) in $(pwd)"', timeout: 30 }),
    signal: AbortSignal.timeout(40_000),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`exec in ${FIRST_SANDBOX} is answered with ${response.status}: ${body}`);
  const { exit_code: exitCode, stdout } = JSON.parse(body) as { exit_code: number; stdout: string };
  if (exitCode !== 0) throw new Error(`exec in ${FIRST_SANDBOX} ended with exit code ${exitCode}: ${body}`);
  return `Sandbox ${FIRST_SANDBOX} answers: ${stdout.trim()}`;
};
