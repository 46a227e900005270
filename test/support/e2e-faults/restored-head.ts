import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../e2e/environment.ts';
import { succeed } from '../e2e/command.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

/**
 * Restores what HEAD says, or another manifest of the workspace, by `matrx workspace restore` in a process of its own, straight from S3, into a new folder.
 * Calls `look` with the folder and removes it. The command only reads: it takes nothing from a running writer.
 */
export const withRestoredHead = async <T>(
  { environment, signal }: { readonly environment: Environment; readonly signal: AbortSignal },
  prefix: string,
  look: (folder: string) => Promise<T>,
  manifest?: string,
): Promise<T> => {
  const scratch = await mkdtemp(join(tmpdir(), 'matrx-head-'));
  const folder = join(scratch, 'home');
  const { AWS_CA_BUNDLE: _bundle, ...rest } = process.env;
  try {
    const at = manifest === undefined ? [] : ['--at', manifest];
    await succeed(process.execPath, [MAIN, 'workspace', 'restore', '--prefix', prefix, '--to', folder, ...at], {
      deadlineMs: 60_000,
      signal,
      env: { ...rest, ...environment },
    });
    return await look(folder);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};
