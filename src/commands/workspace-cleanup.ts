import { createInterface } from 'node:readline/promises';
import { ConfigError } from '../config/load.ts';
import { deleteTier, type Tier, TIERS, tierUsage } from '../workspace/tiers.ts';
import { formatBytes, say, sayJson, type WorkspaceContext, withWorkspace } from './workspace-context.ts';
import type { CleanupOptions } from './workspace.ts';

/** Deletes what a user has stored, after the user's id was typed, or with --yes. */
export const runCleanup = (options: CleanupOptions): Promise<number> =>
  withWorkspace(options, async (context) => {
    const tiers: readonly Tier[] = options.tier === 'all' ? TIERS : [options.tier];
    if (options.yes !== true && !(await isConfirmed(context, tiers, options))) {
      process.stderr.write('matrx workspace: nothing was deleted\n');
      return 1;
    }
    const deleted: Partial<Record<Tier, number>> = {};
    for (const tier of tiers) deleted[tier] = await deleteTier(context.bucket, tier, { signal: context.signal });
    if (options.json === true) sayJson(deleted);
    else for (const tier of tiers) say(`${context.name}: ${deleted[tier]} objects of ${tier} deleted`);
    return 0;
  });

const isConfirmed = async (
  { bucket, name, signal }: WorkspaceContext,
  tiers: readonly Tier[],
  { user, prefix }: CleanupOptions,
): Promise<boolean> => {
  if (!process.stdin.isTTY) throw new ConfigError('cleanup asks before it deletes; without a terminal, give --yes');
  for (const tier of tiers) {
    const { objects, bytes } = await tierUsage(bucket, tier, { signal });
    say(`${name}: ${objects} objects of ${tier}, ${formatBytes(bytes)}, are about to be deleted`);
  }
  const asked = user ?? prefix;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`Type ${asked} to delete them: `, { signal })).trim() === asked;
  } finally {
    terminal.close();
  }
};
