import { readFile } from 'node:fs/promises';
import { findCondition } from '../../src/api/condition.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import { SANDBOXES } from '../../src/kube/resource-types.ts';
import { NAMESPACE } from '../support/e2e/cluster.ts';
import { aSandbox, type SandboxBuilder } from '../support/e2e/sandbox-builder.ts';
import { containerProcesses } from '../support/e2e-faults/container-processes.ts';
import { type SystemPart, systemContainers } from '../support/e2e-faults/system-containers.ts';
import type { Bench, BenchContext } from './context.ts';
import { type Measurement, megabytes } from './measurement.ts';
import { deleteObject, watchObject } from './watch-object.ts';

const SANDBOX_COUNT = 50;
/** As many as two cores start at once without a queue in kubelet that would hide a hang. */
const WAVE = 10;
const GOALS: Readonly<Record<SystemPart, string>> = {
  controller: 'under 120 MB',
  facade: 'under 120 MB',
  node: 'under 200 MB',
};
const PARTS = Object.keys(GOALS) as readonly SystemPart[];

/** Resident memory of each process, now and at most since it started; of a part with several replicas, the largest. */
export const residentMemory: Bench = {
  name: 'resident-memory',
  about: `of controller, facade and node driver, with 0 and with ${SANDBOX_COUNT} sandboxes`,
  seconds: 1800,
  run: async (context) => {
    const { items } = await context.kube.list(SANDBOXES, { namespace: NAMESPACE }, { signal: context.signal });
    if (items.length > 0) context.say(`   sandboxes that are there already, and are not counted: ${items.length}`);
    const idle = await measureAll(context, 0);
    const sandboxes: SandboxBuilder[] = [];
    try {
      while (sandboxes.length < SANDBOX_COUNT) {
        const wave = Array.from({ length: WAVE }, () => aSandbox('bench'));
        sandboxes.push(...wave);
        await Promise.all(wave.map((sandbox) => start(context, sandbox)));
        context.say(`   ${sandboxes.length} sandboxes are ready`);
      }
      return [...idle, ...(await measureAll(context, SANDBOX_COUNT))];
    } finally {
      await removeAll(context, sandboxes);
    }
  },
};

const start = async ({ kube, signal }: BenchContext, sandbox: SandboxBuilder): Promise<void> => {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(240_000)]);
  const created = await kube.create<Sandbox>(SANDBOXES, NAMESPACE, sandbox.build() as Sandbox, { signal: deadline });
  await watchObject<Sandbox>(
    kube,
    { type: SANDBOXES, namespace: NAMESPACE, name: sandbox.name },
    created.metadata.resourceVersion ?? '',
    (found) => findCondition(found?.status?.conditions, 'Ready')?.status === 'True',
    deadline,
  );
};

const removeAll = async ({ kube, say }: BenchContext, sandboxes: readonly SandboxBuilder[]): Promise<void> => {
  const deadline = AbortSignal.timeout(600_000);
  await Promise.all(
    sandboxes.map(({ name }) => deleteObject(kube, { type: SANDBOXES, namespace: NAMESPACE, name }, deadline)),
  );
  say(`   ${sandboxes.length} sandboxes are gone`);
};

const measureAll = async (context: BenchContext, sandboxes: number): Promise<readonly Measurement[]> => {
  const measurements: Measurement[] = [];
  for (const part of PARTS) {
    const containers = await systemContainers(context.kubectl, part);
    const sizes = await Promise.all(containers.map(({ containerId }) => residentBytes(containerId)));
    measurements.push({
      case: `memory-${part}-${sandboxes}`,
      unit: 'MB',
      value: megabytes(Math.max(...sizes.map(({ now }) => now))),
      peak: megabytes(Math.max(...sizes.map(({ peak }) => peak))),
      n: sizes.length,
      goal: GOALS[part],
    });
  }
  return measurements;
};

const residentBytes = async (containerId: string): Promise<{ readonly now: number; readonly peak: number }> => {
  const [main] = await containerProcesses(containerId);
  const status = await readFile(`/proc/${main.pid}/status`, 'utf8');
  /** `VmRSS:  81234 kB`: the kernel's kB are 1024 bytes. */
  const bytes = (field: string): number => {
    const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status);
    if (match?.[1] === undefined) throw new Error(`/proc/${main.pid}/status names no ${field}`);
    return Number(match[1]) * 1024;
  };
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
};
