import path from 'node:path';
import type { ColdMountSpec } from './mount-driver.ts';

export interface MountS3Settings {
  /** Path of the program. */
  readonly program: string;
  readonly region: string | undefined;
  /** Another S3 than AWS's. */
  readonly endpoint: string | undefined;
  /** uid and gid of the files. */
  readonly ownerId: number;
  /** Bytes on the node's disk for what was read. */
  readonly cacheBytes: number;
}

export const mountS3Files = (
  folder: string,
): { readonly cache: string; readonly log: string; readonly process: string } => ({
  cache: path.join(folder, 'cache'),
  log: path.join(folder, 'mount-s3.log'),
  process: path.join(folder, 'process.json'),
});

/**
 * The command line. It names no secret: every process of the node can read it.
 * https://github.com/awslabs/mountpoint-s3/blob/main/doc/CONFIGURATION.md
 */
export const mountS3Arguments = (spec: ColdMountSpec, settings: MountS3Settings): readonly string[] => [
  spec.bucket,
  spec.target,
  `--prefix=${spec.prefix}`,
  // It ends with its mount, and its process is the one that was started.
  '--foreground',
  '--allow-other',
  // Without these two nothing can be deleted or replaced at all.
  '--allow-delete',
  '--allow-overwrite',
  `--uid=${settings.ownerId}`,
  `--gid=${settings.ownerId}`,
  '--file-mode=0755',
  '--dir-mode=0755',
  `--cache=${mountS3Files(spec.folder).cache}`,
  `--max-cache-size=${Math.floor(settings.cacheBytes / 2 ** 20)}`,
  ...(settings.region === undefined ? [] : [`--region=${settings.region}`]),
  ...(settings.endpoint === undefined ? [] : [`--endpoint-url=${settings.endpoint}`, '--force-path-style']),
];
