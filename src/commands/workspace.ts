import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Tier } from '../workspace/tiers.ts';

/** How a workspace is named: by its user, or by its prefix in the bucket. */
export interface WorkspaceOptions {
  readonly bucket?: string;
  readonly user?: string;
  readonly workspace?: string;
  readonly prefix?: string;
  readonly json?: boolean;
}
export interface LogOptions extends WorkspaceOptions {
  readonly limit: number;
}
export interface AtOptions extends WorkspaceOptions {
  readonly at?: string;
}
export interface RestoreToOptions extends AtOptions {
  readonly to: string;
}
export interface CleanupOptions extends WorkspaceOptions {
  readonly tier: Tier | 'all';
  readonly yes?: boolean;
}
export interface CommitFromOptions extends WorkspaceOptions {
  readonly from: string;
  readonly state?: string;
  readonly epoch?: number;
}

/**
 * Works on workspaces in any S3, without Kubernetes: for a look, for an undo, and for the day nothing else is left.
 * Bucket, endpoint, region and credentials come from the environment (MATRX_S3_BUCKET, AWS_*).
 */
export const registerWorkspaceCommand = (program: Command): void => {
  const workspace = program.command('workspace').description("look at, restore, verify and commit users' files in S3");
  const add = (name: string, description: string): Command =>
    workspace
      .command(name)
      .description(description)
      .option('--bucket <name>', 'the bucket (default: MATRX_S3_BUCKET)')
      .option('--user <id>', 'whose workspace')
      .option('--workspace <name>', 'which of the user’s workspaces, if it has a name')
      .option('--prefix <prefix>', 'instead of --user: the key prefix, ending in /')
      .option('--json', 'answer with JSON');

  add('log', 'list the commits, the newest first, and conflicts')
    .option('--limit <n>', 'how many', wholeNumber, 10)
    .action(run<LogOptions>(async (options) => (await import('./workspace-log.ts')).runLog(options)));
  add('restore', 'write a commit into an empty folder; the workspace stays as it is')
    .requiredOption('--to <folder>', 'the folder')
    .option('--at <manifest>', 'an older commit, or a conflict, as "log" lists it (default: HEAD)')
    .action(run<RestoreToOptions>(async (options) => (await import('./workspace-restore.ts')).runRestore(options)));
  add('verify', 'read everything a commit refers to and check its hashes; exit code 1 when something is damaged')
    .option('--at <manifest>', 'an older commit, or a conflict, as "log" lists it (default: HEAD)')
    .action(run<AtOptions>(async (options) => (await import('./workspace-verify.ts')).runVerify(options)));
  add('stats', 'count the objects and bytes of both tiers, home and cold storage').action(
    run<WorkspaceOptions>(async (options) => (await import('./workspace-stats.ts')).runStats(options)),
  );
  add('cleanup', 'delete all that a user has stored in a tier, every commit of a home included')
    .addOption(new Option('--tier <tier>', 'which').choices(['hot', 'cold', 'all']).makeOptionMandatory())
    .option('--yes', 'do not ask for the user’s id to be typed')
    .action(run<CleanupOptions>(async (options) => (await import('./workspace-cleanup.ts')).runCleanup(options)));
  add('commit', 'make a folder the workspace’s new state; a running sandbox of it is fenced, its unsaved files kept')
    .requiredOption('--from <folder>', 'the folder')
    .option('--state <folder>', 'journal and index, for the next time (default: <from>.matrx-state)')
    .option('--epoch <n>', 'the fencing number (default: HEAD’s)', wholeNumber)
    .action(run<CommitFromOptions>(async (options) => (await import('./workspace-commit.ts')).runCommit(options)));
};

const run =
  <Options>(action: (options: Options) => Promise<number>) =>
  async (options: Options): Promise<void> => {
    const { reportFailure } = await import('./workspace-context.ts');
    process.exitCode = await action(options).catch(reportFailure);
  };

const wholeNumber = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('takes a whole number');
};
