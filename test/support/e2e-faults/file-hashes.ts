import type { Cluster } from '../e2e/cluster.ts';
import { succeed } from '../e2e/command.ts';

/** Path and SHA-256 of every file, by the same commands inside a sandbox and in a restored folder. */
const SCRIPT = 'find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum';

export const fileHashesIn = (cluster: Cluster, sandbox: string): Promise<string> => cluster.shell(sandbox, SCRIPT);

export const fileHashes = async (folder: string): Promise<string> =>
  (await succeed('bash', ['-euo', 'pipefail', '-c', SCRIPT], { cwd: folder, deadlineMs: 60_000 })).stdout.toString();
