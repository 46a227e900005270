import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Condition, findCondition } from '../../../../src/api/condition.ts';
import type { Sandbox } from '../../../../src/api/sandbox.ts';
import { workspacePrefix } from '../../../../src/api/workspace-id.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { credentialFiles } from '../../../../src/node/cold/credentials-file.ts';
import type { UserCredentials } from '../../../../src/node/cold/credentials.ts';
import type { ObjectStore } from '../../../../src/workspace/object-store.ts';
import { makeS3Store } from '../../../../src/workspace/s3/store.ts';
import { containerProcesses } from '../../e2e-faults/container-processes.ts';
import { systemContainers } from '../../e2e-faults/system-containers.ts';
import type { Cluster } from '../cluster.ts';
import type { Environment } from '../environment.ts';
import type { SandboxBuilder } from '../sandbox-builder.ts';

const program = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');

/** Name and SHA-256 of each file and link. */
export type Files = Readonly<Record<string, string>>;

/** What the Sandbox says of its cold storage. */
export const coldCondition = (sandbox: Sandbox): Condition | undefined =>
  findCondition(sandbox.status?.conditions, 'ColdMounted');

/** Starts a Sandbox and waits until its cold storage is mounted. Resolves with its name. */
export const startWithCold = async (cluster: Cluster, sandbox: SandboxBuilder): Promise<string> => {
  const name = await cluster.start(sandbox);
  await cluster.until(name, 'cold storage is mounted', (found) => coldCondition(found)?.status === 'True');
  return name;
};

/** Does in /data/cold what agents do; `megabytes` is the size of its one large file. */
export const runWorkload = async (cluster: Cluster, name: string, megabytes: number): Promise<void> => {
  await cluster.python(name, program('workload.py'), { args: [String(megabytes)], deadlineMs: 600_000 });
};

/** Renames folders of 400 files, and files over one another, while they are uploaded; leaves 420 files a round. */
export const renameDuringUploads = async (cluster: Cluster, name: string, rounds: number): Promise<void> => {
  await cluster.python(name, program('rename-during-uploads.py'), { args: [String(rounds)], deadlineMs: 240_000 });
};

/** What the sandbox sees below /data/cold. */
export const coldFiles = async (cluster: Cluster, name: string): Promise<Files> =>
  JSON.parse(await cluster.python(name, program('list.py'), { deadlineMs: 300_000 })) as Files;

const PART = 32 << 20;

/** The installation's bucket, as it is reached with these credentials. */
export const bucketWith = ({ environment }: Pick<Cluster, 'environment'>, credentials: UserCredentials): ObjectStore =>
  makeS3Store({
    bucket: environment.MATRX_S3_BUCKET,
    region: environment.AWS_REGION,
    ...(environment.AWS_ENDPOINT_URL_S3 === undefined ? {} : { endpoint: environment.AWS_ENDPOINT_URL_S3 }),
    credentials,
    clock: systemClock,
    random: systemRandom,
  });

/** Those that reach the whole bucket. */
export const rootCredentials = (environment: Environment): UserCredentials => ({
  accessKeyId: environment.AWS_ACCESS_KEY_ID,
  secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
});

/** The keys of all objects of the bucket that begin with `prefix`. */
export const keysBelow = async (cluster: Cluster, prefix: string): Promise<readonly string[]> => {
  const store = bucketWith(cluster, rootCredentials(cluster.environment));
  const keys: string[] = [];
  try {
    for await (const { key } of store.list(prefix)) keys.push(key);
  } finally {
    store.close();
  }
  return keys;
};

/** What the bucket has below the user's cold prefix; a folder's marker is no file. */
export const coldObjects = async (cluster: Cluster, userId: string): Promise<Files> => {
  const store = bucketWith(cluster, rootCredentials(cluster.environment));
  const prefix = `${workspacePrefix(userId)}cold/`;
  const found: Record<string, string> = {};
  try {
    for await (const { key, size } of store.list(prefix)) {
      if (key.endsWith('/')) continue;
      const hash = createHash('sha256');
      for (let at = 0; at < size; at += PART) {
        hash.update((await store.get(key, { range: [at, Math.min(size, at + PART) - 1] })).body);
      }
      found[key.slice(prefix.length)] = hash.digest('hex');
    }
  } finally {
    store.close();
  }
  return found;
};

/** The process that mounts the user's cold storage, on this machine. Throws where there is none. */
export const mountProcess = async (cluster: Cluster, userId: string): Promise<number> => {
  for (const { containerId } of await systemContainers(cluster.kubectl, 'node')) {
    for (const { pid } of await containerProcesses(containerId)) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (line.includes('rclone') && line.includes(`/${workspacePrefix(userId)}cold/`)) return pid;
    }
  }
  throw new Error(`no node driver of this machine mounts cold storage of user ${userId}`);
};

/** The credentials that the driver has given to that process: what somebody would have who broke out into it. */
export const stolenCredentials = async (pid: number): Promise<UserCredentials> => {
  const environ = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
  const config = environ.find((line) => line.startsWith('AWS_CONFIG_FILE='))?.split('=')[1];
  if (config === undefined) throw new Error(`process ${pid} has no AWS_CONFIG_FILE: it mounts no cold storage`);
  const { answer } = credentialFiles(dirname(config));
  const found = JSON.parse(await readFile(`/proc/${pid}/root${answer}`, 'utf8')) as Readonly<Record<string, string>>;
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '', SessionToken: sessionToken } = found;
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
};
