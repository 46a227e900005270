import { readHead } from '../workspace/head-object.ts';
import { TIERS, tierUsage } from '../workspace/tiers.ts';
import { tableLines } from './table.ts';
import { formatBytes, say, sayJson, withWorkspace } from './workspace-context.ts';
import type { WorkspaceOptions } from './workspace.ts';

/** What is stored in each tier; and of the home how much its newest commit is, which `Workspace.status.head` says too. */
export const runStats = (options: WorkspaceOptions): Promise<number> =>
  withWorkspace(options, async ({ bucket, name, signal }) => {
    const usages = await Promise.all(
      TIERS.map(async (tier) => ({ tier, usage: await tierUsage(bucket, tier, { signal }) })),
    );
    const readNewest = async () => (await readHead(bucket, signal))?.head;
    if (options.json === true) {
      const head = await readNewest();
      const fields = usages.map(({ tier, usage: { objects, bytes } }) => [
        tier,
        { total_objects: objects, total_size_bytes: bytes },
      ]);
      const newest = head === undefined ? null : { files: head.files, bytes: head.bytes };
      sayJson({ ...Object.fromEntries(fields), head: newest });
      return 0;
    }
    const rows = usages.map(({ tier, usage }) => [tier, String(usage.objects), formatBytes(usage.bytes)]);
    say(name);
    for (const line of tableLines([['TIER', 'OBJECTS', 'SIZE'], ...rows])) say(line);
    const head = await readNewest();
    if (head !== undefined) say(`files in the newest commit: ${head.files}, ${formatBytes(head.bytes)}`);
    return 0;
  });
