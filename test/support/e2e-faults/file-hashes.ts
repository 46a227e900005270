import { succeed } from '../e2e/command.ts';

const SCRIPT = 'find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum';

/** Path and SHA-256 of every file below the folder, as sha256sum writes them. */
export const fileHashes = async (folder: string): Promise<string> =>
  (await succeed('bash', ['-euo', 'pipefail', '-c', SCRIPT], { cwd: folder, deadlineMs: 60_000 })).stdout.toString();
