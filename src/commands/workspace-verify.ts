import { HomeError } from '../workspace/home.ts';
import { treeSize } from '../workspace/manifest.ts';
import { readCommitAt, readHeadCommit } from '../workspace/read-commit.ts';
import { verifyCommit } from '../workspace/verify-commit.ts';
import { formatBytes, progressLine, say, sayJson, withWorkspace } from './workspace-context.ts';
import type { AtOptions } from './workspace.ts';

/** Paths that are listed for one damaged object. */
const MAX_PATHS = 20;

export const runVerify = (options: AtOptions): Promise<number> =>
  withWorkspace(options, async ({ bucket, name, signal }) => {
    const commit =
      options.at === undefined
        ? (await readHeadCommit(bucket, signal))?.commit
        : await readCommitAt(bucket, options.at, signal);
    if (commit === undefined) throw new HomeError('NotRestored', `${name} has no commit to verify`);
    const damages = await verifyCommit(bucket, commit.manifest, { signal, onProgress: progressLine('read') });
    const size = treeSize(commit.manifest.entries);
    if (options.json === true) sayJson({ manifest: commit.key, ...size, damages });
    else if (damages.length === 0) {
      say(
        `${name}${commit.key} is whole: ${size.files} files, ${formatBytes(size.bytes)}, every byte read and compared`,
      );
    } else {
      for (const { message, paths } of damages) {
        say(message);
        for (const path of paths.slice(0, MAX_PATHS)) say(`  ${JSON.stringify(path)}`);
        if (paths.length > MAX_PATHS) say(`  and ${paths.length - MAX_PATHS} more`);
      }
      say(`${damages.length} damaged or missing objects; older commits: matrx workspace log`);
    }
    return damages.length === 0 ? 0 : 1;
  });
