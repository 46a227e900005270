import type { ContextFile } from '../docker/context.ts';
import { errorMessage } from '../base/errors.ts';
import { RCLONE_VERSION, rcloneProgram } from './cluster/binaries.ts';
import { buildGoProgram, goVersion, locateGoProgram } from './go-build.ts';
import type { Local } from './local.ts';
import type { StepContext } from './step.ts';

/**
 * What mounts cold storage, for the product image, built from its Go module: go.sum holds the SHA-256 of all that it is
 * made from. Where there is no Go and nobody has asked for cold storage, the file is there and empty.
 */
export const rcloneFile = async (local: Local, context: StepContext): Promise<ContextFile> => {
  const name = 'rclone';
  const isWanted = (local.settings.cold['MATRX_COLD_PROVIDER'] ?? 'off') !== 'off';
  try {
    await goVersion(local.env);
  } catch (error) {
    if (isWanted) throw error;
    context.report(`the image has no cold storage: ${errorMessage(error)}`);
    return { name, source: { text: '' } };
  }
  const program = rcloneProgram(local.project);
  const { path, exists } = await locateGoProgram(program, local.paths.cache, local.env);
  if (!exists) {
    context.report(`building rclone ${RCLONE_VERSION}`);
    await buildGoProgram(program, path, { env: local.env, log: context.log, onLine: context.report });
  }
  return { name, source: { path }, executable: true };
};
