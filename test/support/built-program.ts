import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rcloneProgram } from '../../src/local/cluster/binaries.ts';
import { buildGoProgram, type GoProgram, locateGoProgram } from '../../src/local/go-build.ts';

/** The path of a program as `make up` builds it; built now where it is not in its cache. */
export const builtProgram = async (program: GoProgram): Promise<string> => {
  const cache = join(homedir(), '.cache/matrx-sandbox');
  const { path, exists } = await locateGoProgram(program, cache, process.env);
  if (!exists) await buildGoProgram(program, path, { env: process.env });
  return path;
};

/** What mounts cold storage. */
export const builtRclone = (): Promise<string> =>
  builtProgram(rcloneProgram(fileURLToPath(new URL('../..', import.meta.url))));
