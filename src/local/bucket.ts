import { readFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BucketSettings } from '../config/local.ts';
import type { LocalPaths } from './paths.ts';

/** The bucket that the installation uses, as it was when `up` ran; secret, so the file is its owner's alone. */
export interface BucketRecord extends BucketSettings {
  /** Whether the S3 server is the one `up` runs on this machine. */
  readonly embedded: boolean;
  /** Where the embedded server's IAM API is. */
  readonly iam?: string;
}

const bucketPath = (paths: LocalPaths): string => join(paths.s3, 'bucket.json');

export const readBucket = async (paths: LocalPaths): Promise<BucketRecord | undefined> => {
  const text = await readFile(bucketPath(paths), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as BucketRecord);
};

export const writeBucket = async (paths: LocalPaths, record: BucketRecord): Promise<void> => {
  await mkdir(dirname(bucketPath(paths)), { recursive: true, mode: 0o700 });
  await writeFile(bucketPath(paths), `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
};

/**
 * The bucket a person names in the environment; undefined means the embedded server. Settings that `env` printed
 * earlier come back through the environment when `up` runs in the same shell: they name the embedded server too.
 */
export const givenBucket = (
  settings: BucketSettings | undefined,
  recorded: BucketRecord | undefined,
): BucketSettings | undefined => {
  if (settings === undefined) return undefined;
  const isOwn = recorded?.embedded === true && settings.endpoint === recorded.endpoint;
  return isOwn ? undefined : settings;
};
