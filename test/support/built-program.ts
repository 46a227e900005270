import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rcloneProgram } from '../../src/local/cluster/binaries.ts';
import { ensureGoProgram, type GoProgram } from '../../src/local/go-build.ts';

/** The path of a program as `make up` builds it; built now where it is not in its cache. */
export const builtProgram = (program: GoProgram): Promise<string> =>
  ensureGoProgram(program, join(homedir(), '.cache/matrx-sandbox'), process.env);

/** What mounts cold storage. */
export const builtRclone = (): Promise<string> =>
  builtProgram(rcloneProgram(fileURLToPath(new URL('../..', import.meta.url))));
