import { TIERS, tierUsage } from '../workspace/tiers.ts';
import { tableLines } from './table.ts';
import { formatBytes, say, sayJson, withWorkspace } from './workspace-context.ts';
import type { WorkspaceOptions } from './workspace.ts';

export const runStats = (options: WorkspaceOptions): Promise<number> =>
  withWorkspace(options, async ({ bucket, name, signal }) => {
    const usages = await Promise.all(
      TIERS.map(async (tier) => ({ tier, usage: await tierUsage(bucket, tier, signal) })),
    );
    if (options.json === true) {
      const fields = usages.map(({ tier, usage: { objects, bytes } }) => [
        tier,
        { total_objects: objects, total_size_bytes: bytes },
      ]);
      sayJson(Object.fromEntries(fields));
      return 0;
    }
    const rows = usages.map(({ tier, usage }) => [tier, String(usage.objects), formatBytes(usage.bytes)]);
    say(name);
    for (const line of tableLines([['TIER', 'OBJECTS', 'SIZE'], ...rows])) say(line);
    return 0;
  });
