import { SANDBOX_LIFE, SANDBOX_STATES } from '../src/api/sandbox-life.ts';
import { EXPIRED_REASONS, Reason } from '../src/api/reasons.ts';
import { StopReason } from '../src/api/sandbox.ts';
import { markdownTable } from './markdown-table.ts';

const codes = (words: readonly string[]): string => words.map((word) => `\`${word}\``).join(', ');

const STOP_REASONS: Readonly<Record<StopReason, string>> = {
  user_requested: 'somebody stopped, suspended or deleted it, and said no other reason',
  expired: `it ended by itself; the reason of \`Ready\` says of what: ${codes(EXPIRED_REASONS.filter((reason) => reason !== Reason.PodLost))}`,
  error:
    'the sandbox said that it gave up (`POST …/error`), its start was given up, or its pod was lost and restartPolicy is Never',
  graceful_shutdown: 'the sandbox said that it was done (`POST …/complete`)',
  admin: 'whoever operates the installation stopped it, and said so in `matrx.dev/stop-reason`',
};

/** docs/life.md: the states of a Sandbox, and who may leave each. */
export const lifeReference = (): string => `# The life of a sandbox

Written by \`make generate\` from \`src/api/sandbox-life.ts\`; a test lets nothing else happen. The state is the REST API's \`status\`. It is
worked out from what is asked for and what the controller last said, and stored nowhere.

${markdownTable(
  ['state', 'what it means'],
  SANDBOX_STATES.map((state) => [`\`${state}\``, SANDBOX_LIFE[state].means]),
)}

## Who may leave a state

${markdownTable(
  ['from', 'to', 'by whose write', 'when'],
  SANDBOX_STATES.flatMap((state) =>
    SANDBOX_LIFE[state].leaves.map(({ to, by, when }) => [`\`${state}\``, codes(to), by, when]),
  ),
)}

\`user\` is whoever changes or deletes the Sandbox, by \`kubectl\` or by the API; \`gone\`: there is no Sandbox any more.

## Why it has ended

${markdownTable(
  ['status.stopReason', 'what'],
  StopReason.options.map((reason) => [`\`${reason}\``, STOP_REASONS[reason]]),
)}
`;
