import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_ID } from '../../src/api/names.ts';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { UserCredentials } from '../../src/node/cold/credentials.ts';
import { writeCredentials } from '../../src/node/cold/credentials-file.ts';
import type { ColdMount } from '../../src/node/cold/mount-driver.ts';
import { makeRcloneDriver } from '../../src/node/cold/rclone-driver.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import { deleteTier } from '../../src/workspace/tiers.ts';
import { builtRclone } from '../support/built-program.ts';
import { makeCluster } from '../support/e2e/cluster.ts';
import { bucketWith, mountProcess, rootCredentials, startWithCold } from '../support/e2e/cold/cold.ts';
import { succeed } from '../support/e2e/command.ts';
import type { Environment } from '../support/e2e/environment.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { withUserCredentials } from './cold-credentials.ts';
import type { BenchContext } from './context.ts';

/** Seconds of each step of ./cold-files.py. */
export type Steps = Readonly<Record<'write' | 'create' | 'list' | 'read' | 'readSmall', number>>;

/** What the process of a mount had in memory after it, in bytes. */
export interface MountMemory {
  readonly now: number;
  readonly peak: number;
}

export interface Work {
  readonly program: string;
  /** Bytes of the large file. */
  readonly large: number;
  readonly smallFiles: number;
}

const WITHIN_MS = 600_000;

const merged = (written: string, read: string): Steps => ({ ...JSON.parse(written), ...JSON.parse(read) }) as Steps;

const onThisMachine = async (
  { signal }: BenchContext,
  { program, large, smallFiles }: Work,
  folder: string,
  phase: string,
): Promise<string> => {
  const args = ['-', folder, phase, String(large), String(smallFiles)];
  return (await succeed('python3', args, { stdin: program, deadlineMs: WITHIN_MS, signal })).stdout.toString();
};

/** On the disk under everything else. */
export const onDisk = async (context: BenchContext, work: Work): Promise<Steps> => {
  const folder = join(context.scratch, `disk-${systemRandom.hex(4)}`);
  await mkdir(folder);
  try {
    const written = await onThisMachine(context, work, folder, 'write');
    return merged(written, await onThisMachine(context, work, folder, 'read'));
  } finally {
    await rm(folder, { recursive: true });
  }
};

/** In /data/cold of a sandbox; read in the user's next one, whose cache is empty. */
export const inSandbox = async (
  context: BenchContext,
  { program, large, smallFiles }: Work,
): Promise<{ readonly steps: Steps; readonly memory: MountMemory }> => {
  const owned = new Set<string>();
  const cluster = makeCluster(context.environment, owned, context.signal);
  const run = (name: string, phase: string): Promise<string> =>
    cluster.python(name, program, {
      args: ['/data/cold', phase, String(large), String(smallFiles)],
      deadlineMs: WITHIN_MS,
    });
  const first = aSandbox('bench-cold');
  const second = first.named(`${first.name}-again`);
  try {
    const written = await run(await startWithCold(cluster, first), 'write');
    const memory = await memoryOf(await mountProcess(cluster, first.userId));
    await cluster.remove(first.name, WITHIN_MS);
    const steps = merged(written, await run(await startWithCold(cluster, second), 'read'));
    return { steps, memory };
  } finally {
    const left = [...owned];
    if (left.length > 0) {
      await context.kubectl.run(['delete', '--ignore-not-found', ...left], { deadlineMs: WITHIN_MS });
    }
    await removeObjects(context.environment, workspacePrefix(first.userId));
  }
};

/** On the same program with the same settings and a user's key, mounted by hand on this machine: no kubelet, no pod. */
export const onBareMount = async (context: BenchContext, work: Work): Promise<Steps> => {
  const { environment, scratch, signal } = context;
  const folder = join(scratch, `bare-${systemRandom.hex(4)}`);
  const userId = uniqueName('bench-bare');
  const prefix = workspacePrefix(userId);
  const spec = {
    bucket: environment.MATRX_S3_BUCKET,
    prefix: `${prefix}cold/`,
    target: join(folder, 'cold'),
    folder: join(folder, 'run'),
  };
  const connection = { region: environment.AWS_REGION, endpoint: environment.AWS_ENDPOINT_URL_S3 };
  const mounts = makeMounts();
  const driver = makeRcloneDriver({
    ...connection,
    program: await builtRclone(),
    ownerId: AGENT_ID,
    cacheBytes: 4 << 30,
    writeBackSeconds: 5,
    clock: systemClock,
    mounts,
    env: { SSL_CERT_FILE: process.env['SSL_CERT_FILE'] },
  });
  const step = async (phase: string, credentials: UserCredentials): Promise<string> => {
    await mkdir(spec.target, { recursive: true });
    await writeCredentials(spec.folder, credentials);
    const mount = await driver.mount(spec, signal);
    try {
      const answer = await onThisMachine(context, work, spec.target, phase);
      await untilUploaded(mount, signal);
      return answer;
    } finally {
      await mount.unmount();
      await rm(spec.folder, { recursive: true });
    }
  };
  try {
    return await withUserCredentials(context, userId, async (credentials) => {
      const written = await step('write', credentials);
      return merged(written, await step('read', credentials));
    });
  } finally {
    await mounts.unbind(spec.target);
    await removeObjects(environment, prefix);
    await rm(folder, { recursive: true, force: true });
  }
};

/** What is left of a round in the bucket: a gigabyte. */
const removeObjects = async (environment: Environment, prefix: string): Promise<void> => {
  const store = bucketWith({ environment }, rootCredentials(environment));
  try {
    await deleteTier({ store, prefix }, 'cold', { signal: AbortSignal.timeout(WITHIN_MS) });
  } finally {
    store.close();
  }
};

const untilUploaded = (mount: ColdMount, signal: AbortSignal): Promise<boolean> =>
  eventually(
    'the bare mount has uploaded everything',
    async () => {
      await mount.hurry(signal);
      return (await mount.queue(signal)).files === 0;
    },
    { deadlineMs: WITHIN_MS, signal },
  );

const memoryOf = async (pid: number): Promise<MountMemory> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const bytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
};
