import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findCondition } from '../../src/api/condition.ts';
import { GROUP_VERSION } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { SandboxTemplate } from '../../src/api/sandbox-template.ts';
import { workspacePrefix } from '../../src/api/workspace-id.ts';
import { systemClock } from '../../src/base/clock.ts';
import { SANDBOXES, SANDBOX_TEMPLATES } from '../../src/kube/resource-types.ts';
import { rcloneProgram } from '../../src/local/cluster/binaries.ts';
import { locateGoProgram } from '../../src/local/go-build.ts';
import { writeCredentials } from '../../src/node/cold/credentials-file.ts';
import { makeRcloneDriver } from '../../src/node/cold/rclone-driver.ts';
import { makeMounts } from '../../src/node/mounts.ts';
import { containerProcesses } from '../support/e2e-faults/container-processes.ts';
import { systemContainers } from '../support/e2e-faults/system-containers.ts';
import { NAMESPACE } from '../support/e2e/cluster.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { aSandbox, type SandboxBuilder } from '../support/e2e/sandbox-builder.ts';
import type { Bench, BenchContext } from './context.ts';
import { comparedWith, type Measurement, megabytes, secondsMeasured } from './measurement.ts';
import { summarize } from './statistics.ts';
import { deleteObject, watchObject } from './watch-object.ts';

const MEGABYTES = 1000;
const SMALL_FILES = 1000;
const FILE_WORK = fileURLToPath(new URL('file-work.py', import.meta.url));
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

type Seconds = Readonly<Record<string, number>>;

/**
 * Cold storage: files at /data/cold of a sandbox next to the same on a bare rclone mount of the same settings on the node
 * and on the sandbox's local disk; the memory of a mount; and what it costs a start. All in turn, so that whatever else
 * the machine does meets all of them.
 */
export const cold: Bench = {
  name: 'cold',
  about: `cold storage: ${MEGABYTES} MB and ${SMALL_FILES} files, next to a bare rclone mount and the local disk; starts with and without`,
  seconds: 2400,
  run: async (context) => [...(await files(context)), ...(await starts(context))],
};

const files = async (context: BenchContext): Promise<readonly Measurement[]> => {
  const sandbox = aSandbox('bench-cold');
  const samples: Record<'cold' | 'bare' | 'disk', Seconds[]> = { cold: [], bare: [], disk: [] };
  const bare = await mountBare(context);
  try {
    await startSandbox(context, sandbox, 'ColdMounted');
    const idle = await mountMemory(context, sandbox.userId);
    for (let round = 0; round < context.rounds; round += 1) {
      samples.cold.push(await workInSandbox(context, sandbox.name, '/data/cold'));
      samples.bare.push(await workOnNode(context, bare.target));
      samples.disk.push(await workInSandbox(context, sandbox.name, '/home/agent'));
      context.say(`   round ${round + 1}: ${JSON.stringify({ cold: samples.cold.at(-1), bare: samples.bare.at(-1) })}`);
    }
    const used = await mountMemory(context, sandbox.userId);
    return [
      ...Object.keys(samples.cold[0] ?? {}).flatMap((operation) => compare(operation, samples)),
      { case: 'memory-cold-mount-idle', unit: 'MB', value: megabytes(idle.now), n: 1, goal: 'under 80 MB' },
      {
        case: 'memory-cold-mount-used',
        unit: 'MB',
        value: megabytes(used.now),
        peak: megabytes(used.peak),
        n: 1,
        goal: 'under 80 MB',
      },
    ];
  } finally {
    await bare.unmount();
    await removeSandbox(context, sandbox.name);
  }
};

const compare = (
  operation: string,
  { cold: inSandbox, bare, disk }: Readonly<Record<'cold' | 'bare' | 'disk', readonly Seconds[]>>,
): readonly Measurement[] => {
  const of = (samples: readonly Seconds[]): readonly number[] => samples.map((seconds) => seconds[operation] ?? NaN);
  const measured = secondsMeasured(`cold-${operation}`, of(inSandbox), { goal: 'within 5 % of the bare mount' });
  return [
    comparedWith(measured, 'bare rclone mount on the node', of(bare)),
    comparedWith(secondsMeasured(`cold-${operation}`, of(inSandbox)), "the sandbox's local disk", of(disk)),
  ];
};

/** A mount with the driver's own settings, beside the driver. */
const mountBare = async ({ environment, scratch, signal }: BenchContext) => {
  const program = await locateGoProgram(rcloneProgram(PROJECT), join(homedir(), '.cache/matrx-sandbox'), process.env);
  if (!program.exists) throw new Error(`${program.path} is not there: make up builds it`);
  const folder = await mkdtemp(join(scratch, 'bare-'));
  const spec = {
    bucket: environment.MATRX_S3_BUCKET,
    prefix: `${workspacePrefix(uniqueName('bench-bare'))}cold/`,
    target: join(folder, 'cold'),
    folder: join(folder, 'run'),
  };
  await mkdir(spec.target);
  await writeCredentials(spec.folder, {
    accessKeyId: environment.AWS_ACCESS_KEY_ID,
    secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
  });
  const driver = makeRcloneDriver({
    program: program.path,
    region: environment.AWS_REGION,
    endpoint: environment.AWS_ENDPOINT_URL_S3,
    ownerId: 1000,
    cacheBytes: 4 << 30,
    writeBackSeconds: 5,
    clock: systemClock,
    mounts: makeMounts(),
    env: {},
  });
  const mount = await driver.mount(spec, signal);
  return { target: spec.target, unmount: mount.unmount };
};

const workInSandbox = async ({ kubectl, signal }: BenchContext, name: string, folder: string): Promise<Seconds> => {
  signal.throwIfAborted();
  const command = ['exec', '-i', name, '--', 'python3', '-', folder, String(MEGABYTES), String(SMALL_FILES)];
  const stdin = await readFile(FILE_WORK, 'utf8');
  return JSON.parse(await kubectl.run(command, { stdin, deadlineMs: 600_000 })) as Seconds;
};

const workOnNode = async ({ signal }: BenchContext, folder: string): Promise<Seconds> => {
  const { stdout } = await run('python3', [FILE_WORK, folder, String(MEGABYTES), String(SMALL_FILES)], {
    signal,
    timeout: 600_000,
  });
  return JSON.parse(stdout) as Seconds;
};

/** Of the process that mounts the user's cold storage, in bytes. */
const mountMemory = async (
  { kubectl }: BenchContext,
  userId: string,
): Promise<{ readonly now: number; readonly peak: number }> => {
  for (const { containerId } of await systemContainers(kubectl, 'node')) {
    for (const { pid } of await containerProcesses(containerId)) {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (!line.includes(`/${workspacePrefix(userId)}cold/`)) continue;
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const bytes = (field: string): number =>
        Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
      return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
    }
  }
  throw new Error(`no node driver of this machine mounts cold storage of user ${userId}`);
};

const starts = async (context: BenchContext): Promise<readonly Measurement[]> => {
  const { kube, signal } = context;
  const name = uniqueName('bench-without-cold');
  const ref = { type: SANDBOX_TEMPLATES, namespace: NAMESPACE, name };
  const { spec } = await kube.get<SandboxTemplate>({ ...ref, name: 'default' }, { signal });
  const without = { apiVersion: GROUP_VERSION, kind: 'SandboxTemplate', metadata: { name } };
  await kube.create(
    SANDBOX_TEMPLATES,
    NAMESPACE,
    { ...without, spec: { ...spec, cold: { enabled: false } } } as never,
    {
      signal,
    },
  );
  try {
    const [on, off]: [number[], number[]] = [[], []];
    // The first of each pays for cold caches.
    for (let round = 0; round <= context.starts; round += 1) {
      const [a, b] = [aSandbox('bench-on'), aSandbox('bench-off').with({ templateRef: { name } })];
      const seconds = [await timedStart(context, a), await timedStart(context, b)] as const;
      if (round === 0) continue;
      on.push(seconds[0]);
      off.push(seconds[1]);
    }
    const apart = (summarize(on).p50 - summarize(off).p50) * 1000;
    context.say(`   with cold storage a start takes ${apart.toFixed(0)} ms more at the median`);
    const measured = secondsMeasured('cold-start', on, { goal: 'at most 0.15 s more at the median' });
    return [comparedWith(measured, 'a start without cold storage', off)];
  } finally {
    await deleteObject(kube, ref, AbortSignal.timeout(30_000));
  }
};

const timedStart = async (context: BenchContext, sandbox: SandboxBuilder): Promise<number> => {
  try {
    const startedAt = systemClock.monotonic();
    await startSandbox(context, sandbox, 'Ready');
    return (systemClock.monotonic() - startedAt) / 1000;
  } finally {
    await removeSandbox(context, sandbox.name);
  }
};

const startSandbox = async (
  { kube, signal }: BenchContext,
  sandbox: SandboxBuilder,
  condition: 'Ready' | 'ColdMounted',
): Promise<void> => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(120_000)]);
  const created = await kube.create<Sandbox>(SANDBOXES, NAMESPACE, sandbox.build() as Sandbox, { signal: deadline });
  const isTrue = (found: Sandbox | undefined, type: string): boolean =>
    findCondition(found?.status?.conditions, type)?.status === 'True';
  await watchObject<Sandbox>(
    kube,
    { type: SANDBOXES, namespace: NAMESPACE, name: sandbox.name },
    created.metadata.resourceVersion ?? '',
    (found) => isTrue(found, 'Ready') && isTrue(found, condition),
    deadline,
  );
};

const removeSandbox = ({ kube }: BenchContext, name: string): Promise<void> =>
  deleteObject(kube, { type: SANDBOXES, namespace: NAMESPACE, name }, AbortSignal.timeout(600_000));
