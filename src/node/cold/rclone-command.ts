import path from 'node:path';
import type { ColdMountSpec } from './mount-driver.ts';
import { mountEnvironment } from './mount-environment.ts';

export interface RcloneSettings {
  /** Path of the program. */
  readonly program: string;
  readonly region: string | undefined;
  /** Another S3 than AWS's. */
  readonly endpoint: string | undefined;
  /** uid and gid of the files. */
  readonly ownerId: number;
  /** Bytes on the node's disk that a mount's cache is kept under; unsent files are never dropped for it. */
  readonly cacheBytes: number;
  /** Seconds that a closed file waits for its upload, in case it is written again. */
  readonly writeBackSeconds: number;
}

export interface RcloneFiles {
  readonly config: string;
  readonly cache: string;
  readonly socket: string;
  readonly log: string;
  readonly process: string;
}

export const rcloneFiles = (folder: string): RcloneFiles => ({
  config: path.join(folder, 'rclone.conf'),
  cache: path.join(folder, 'cache'),
  socket: path.join(folder, 'rc.sock'),
  log: path.join(folder, 'rclone.log'),
  process: path.join(folder, 'process.json'),
});

/** The cache's folders carry this name: another one would not find what an earlier process had not sent. */
const REMOTE = 'cold';

/** rclone.conf: where the bucket is, and no secret. */
export const rcloneConfig = ({ region, endpoint }: RcloneSettings): string => {
  const lines = [
    'type = s3',
    `provider = ${endpoint === undefined ? 'AWS' : 'Other'}`,
    'env_auth = true',
    // Users may not create or look at buckets.
    'no_check_bucket = true',
    // Folders without files are objects too: mkdir would be forgotten otherwise.
    'directory_markers = true',
    ...(region === undefined ? [] : [`region = ${region}`]),
    ...(endpoint === undefined ? [] : [`endpoint = ${endpoint}`, 'force_path_style = true', 'list_version = 2']),
  ];
  return `[${REMOTE}]\n${lines.join('\n')}\n`;
};

/** The command line. It names files and no secret: every process of the node can read it. */
export const rcloneArguments = (spec: ColdMountSpec, settings: RcloneSettings): readonly string[] => {
  const files = rcloneFiles(spec.folder);
  return [
    'mount2',
    // With its `/`: rclone would ask for an object of the prefix's name otherwise, which the user may not know to be missing.
    `${REMOTE}:${spec.bucket}/${spec.prefix}`,
    spec.target,
    `--config=${files.config}`,
    `--cache-dir=${files.cache}`,
    '--allow-other',
    // The kernel checks modes, not rclone.
    '--default-permissions',
    `--uid=${settings.ownerId}`,
    `--gid=${settings.ownerId}`,
    // S3 keeps no modes, and scripts must run: a virtual environment is of no use otherwise.
    '--file-perms=0755',
    '--dir-perms=0755',
    '--devname=matrx-cold',
    '--vfs-cache-mode=full',
    '--vfs-links',
    `--vfs-write-back=${settings.writeBackSeconds}s`,
    `--vfs-cache-max-size=${settings.cacheBytes}`,
    '--vfs-cache-poll-interval=10s',
    // The sandbox is the prefix's only writer. A folder that is known can be written to while S3 is away; what people put
    // there by other means is seen after this.
    '--dir-cache-time=5m',
    '--transfers=16',
    '--buffer-size=0',
    // The server's time is enough for whoever lists, and saves a request for each file.
    '--use-server-modtime',
    '--low-level-retries=3',
    '--rc',
    `--rc-addr=unix://${files.socket}`,
    '--rc-no-auth',
    '--log-level=NOTICE',
  ];
};

export const rcloneEnvironment = (
  spec: ColdMountSpec,
  inherited: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> => ({
  ...mountEnvironment(spec, inherited),
  // Memory goes back to the node soon: there is a process for each sandbox.
  GOGC: '50',
});
