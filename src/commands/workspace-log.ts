import { rfc3339 } from '../base/clock.ts';
import { readCommitLog, type CommitLog } from '../workspace/commit-log.ts';
import { tableLines } from './table.ts';
import { formatBytes, say, sayJson, withWorkspace } from './workspace-context.ts';
import type { LogOptions } from './workspace.ts';

export const runLog = (options: LogOptions): Promise<number> =>
  withWorkspace(options, async ({ bucket, name, signal }) => {
    const log = await readCommitLog(bucket, options.limit, signal);
    if (options.json === true) sayJson(log ?? null);
    else if (log === undefined) say(`${name} does not exist: nothing was ever written to it`);
    else sayLog(name, log);
    return 0;
  });

const sayLog = (name: string, { head, commits, more, conflicts }: CommitLog): void => {
  say(`${name}: sequence ${head.sequence}, written by ${head.writer} (epoch ${head.epoch})`);
  if (commits.length === 0) say('nothing was committed yet');
  const rows = commits.map((c) => [
    String(c.sequence),
    rfc3339(c.committedAt),
    String(c.files),
    formatBytes(c.bytes),
    c.writer,
    c.key.slice(c.key.lastIndexOf('/') + 1),
  ]);
  const headings = ['SEQUENCE', 'COMMITTED', 'FILES', 'SIZE', 'WRITER', 'MANIFEST'];
  if (rows.length > 0) for (const line of tableLines([headings, ...rows])) say(line);
  if (more) say('older commits: --limit');
  for (const key of conflicts) say(`conflict: ${key}`);
};
