import { readFile } from 'node:fs/promises';
import type { SandboxTemplate } from '../../src/api/sandbox-template.ts';
import { hasColdVolume } from '../../src/domain/desired-pod.ts';
import type { ObjectRef } from '../../src/kube/client.ts';
import { SANDBOX_TEMPLATES } from '../../src/kube/resource-types.ts';
import { NAMESPACE } from '../support/e2e/cluster.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { inSandbox, type MountMemory, onBareMount, onDisk, type Steps } from './cold-places.ts';
import type { Bench, BenchContext } from './context.ts';
import {
  comparedWith,
  type Measurement,
  megabytes,
  millisecondsMeasured,
  perSecond,
  ratedNextTo,
} from './measurement.ts';
import { startSandbox } from './sandbox-start.ts';
import { summarize } from './statistics.ts';
import { deleteObject } from './watch-object.ts';

const LARGE = 1_000_000_000;
const SMALL_FILES = 1000;
const BARE = 'rclone mount on the node';
const DISK = 'disk of the node';

interface Round {
  readonly sandbox: Steps;
  readonly bare: Steps;
  readonly disk: Steps;
  readonly memory: MountMemory;
}

/** Files are read by a mount whose cache is empty, so that they come from the bucket. */
export const coldFiles: Bench = {
  name: 'cold-files',
  about: `1 GB and ${SMALL_FILES} small files in /data/cold, next to the same mount by hand, and to the disk`,
  seconds: 3600,
  run: async (context) => {
    const program = await readFile(new URL('cold-files.py', import.meta.url), 'utf8');
    const work = { program, large: LARGE, smallFiles: SMALL_FILES };
    const rounds: Round[] = [];
    for (let round = 1; round <= context.rounds; round += 1) {
      const { steps: sandbox, memory } = await inSandbox(context, work);
      const bare = await onBareMount(context, work);
      const disk = await onDisk(context, work);
      context.say(`   ${round}: ${JSON.stringify({ sandbox, bare, disk })}`);
      rounds.push({ sandbox, bare, disk, memory });
    }
    return [
      ...rated(rounds, 'cold-write-1-gb', 'write', 'MB/s', LARGE / 1_000_000),
      ...rated(rounds, 'cold-read-1-gb', 'read', 'MB/s', LARGE / 1_000_000),
      ...rated(rounds, 'cold-create-4-kb', 'create', '1/s', SMALL_FILES),
      ...rated(rounds, 'cold-list', 'list', '1/s', SMALL_FILES),
      ...rated(rounds, 'cold-read-4-kb', 'readSmall', '1/s', SMALL_FILES),
      {
        case: 'memory-cold-mount',
        unit: 'MB',
        value: megabytes(Math.max(...rounds.map(({ memory }) => memory.now))),
        peak: megabytes(Math.max(...rounds.map(({ memory }) => memory.peak))),
        n: rounds.length,
        goal: 'under 80 MB',
      },
    ];
  },
};

/** The median rate, next to the two others'. */
const rated = (
  rounds: readonly Round[],
  name: string,
  step: keyof Steps,
  unit: '1/s' | 'MB/s',
  amount: number,
): readonly Measurement[] => {
  const rate = (place: 'sandbox' | 'bare' | 'disk'): number =>
    amount / summarize(rounds.map((round) => round[place][step])).p50;
  const own = perSecond(name, unit, rate('sandbox'), rounds.length);
  return [
    { ...ratedNextTo(own, BARE, rate('bare')), goal: 'at least 0.95 of it' },
    ratedNextTo(own, DISK, rate('disk')),
  ];
};

/** The mount is made beside the restore, and nothing waits for it. */
export const coldStart: Bench = {
  name: 'cold-start',
  about: 'create → Ready of a new user with cold storage, next to without',
  seconds: 1200,
  run: async (context) => {
    const without = await templateWithout(context);
    const samples: { on: number[]; off: number[] } = { on: [], off: [] };
    try {
      // The first of each pays for cold caches.
      for (let round = 0; round <= context.starts; round += 1) {
        const on = await startSandbox(context, aSandbox('bench-cold'));
        if (!hasColdVolume(on.pod)) {
          throw new Error('the template "default" has no cold storage here: set MATRX_COLD_PROVIDER, as make up does');
        }
        const off = await startSandbox(context, aSandbox('bench-cold').with({ templateRef: { name: without.name } }));
        context.say(`   ${round}: with ${on.seconds.toFixed(3)} s, without ${off.seconds.toFixed(3)} s`);
        if (round === 0) continue;
        samples.on.push(on.seconds);
        samples.off.push(off.seconds);
      }
    } finally {
      await deleteObject(context.kube, without, AbortSignal.timeout(30_000));
    }
    const measurement = millisecondsMeasured('cold-start', samples.on, { goal: 'at most 150 ms more' });
    return [
      comparedWith(
        measurement,
        'without cold storage',
        samples.off.map((seconds) => seconds * 1000),
      ),
    ];
  },
};

/** The default template, but for cold storage. */
const templateWithout = async ({ kube, signal }: BenchContext): Promise<ObjectRef> => {
  const like: ObjectRef = { type: SANDBOX_TEMPLATES, namespace: NAMESPACE, name: 'default' };
  const { spec } = await kube.get<SandboxTemplate>(like, { signal });
  const name = uniqueName('bench-cold-off');
  const template: SandboxTemplate = {
    metadata: { name, namespace: NAMESPACE },
    spec: { ...spec, cold: { enabled: false, driver: 'rclone' } },
  };
  await kube.create(SANDBOX_TEMPLATES, NAMESPACE, template, { signal });
  return { ...like, name };
};
