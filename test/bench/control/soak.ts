import { systemClock } from '../../../src/base/clock.ts';
import { type Measurement, megabytes } from '../measurement.ts';
import { percentile } from '../statistics.ts';
import { sandboxArm } from './arms.ts';
import { runBlock } from './arrivals.ts';
import { untilAtRest } from './at-rest.ts';
import type { Bench } from './bench.ts';
import type { Used } from './controller-process.ts';
import { sum } from './prometheus-text.ts';

export interface SoakOptions {
  readonly sandboxes: number;
  readonly minutes: number;
}

/** What a start leaves of garbage is collected by then. */
const SETTLE_MS = 60_000;
const SAMPLE_MS = 10_000;

/** Holds Sandboxes Ready and looks what the controller does meanwhile: nothing, in the same memory, over the same sockets. */
export const soak = async (bench: Bench, { sandboxes, minutes }: SoakOptions): Promise<readonly Measurement[]> => {
  const { kube, controller, say } = bench;
  await runBlock(kube, sandboxArm('sandboxes', { ephemeral: true }), 'soak', sandboxes, () => 0);
  say(`   ${sandboxes} sandboxes are ready`);
  await untilAtRest(bench);
  await systemClock.sleep(SETTLE_MS);
  const before = await bench.counted();
  const relistsBefore = await relists(bench);
  const samples: Used[] = [await controller.used()];
  const end = systemClock.monotonic() + minutes * 60_000;
  while (systemClock.monotonic() < end) {
    await systemClock.sleep(SAMPLE_MS);
    samples.push(await controller.used());
    if (samples.length % 6 === 1) say(`   ${described(samples.at(-1))}`);
  }
  const writes = (await bench.counted()).controllerWrites - before.controllerWrites;
  const relisted = (await relists(bench)) - relistsBefore;
  return measured({ sandboxes, minutes }, samples, writes, relisted);
};

const relists = async ({ controller }: Bench): Promise<number> =>
  sum((await controller.metrics()).filter(({ name }) => name === 'informer_relists_total'));

const measured = (
  { sandboxes, minutes }: SoakOptions,
  samples: readonly Used[],
  writes: number,
  relisted: number,
): readonly Measurement[] => {
  const n = samples.length;
  const third = Math.ceil(n / 3);
  const median = (part: readonly Used[], of: (used: Used) => number): number => percentile(part.map(of), 50);
  const [early, late] = [samples.slice(0, third), samples.slice(-third)];
  const resident = (used: Used): number => used.resident;
  const sockets = (used: Used): number => used.sockets;
  const cpuSeconds = (samples.at(-1)?.cpuSeconds ?? 0) - (samples[0]?.cpuSeconds ?? 0);
  const first = 'the first third';
  return [
    { case: `soak-writes-${sandboxes}`, unit: 'writes', value: writes, n: sandboxes, goal: 'none' },
    {
      case: 'soak-memory',
      unit: 'MB',
      value: megabytes(median(late, resident)),
      peak: megabytes(Math.max(...samples.map(resident))),
      n,
      baseline: { name: first, value: megabytes(median(early, resident)) },
      ratio: Number((median(late, resident) / median(early, resident)).toFixed(3)),
      goal: 'flat',
    },
    {
      case: 'soak-sockets',
      unit: 'sockets',
      value: median(late, sockets),
      peak: Math.max(...samples.map(sockets)),
      n,
      baseline: { name: first, value: median(early, sockets) },
      goal: 'flat',
    },
    { case: 'soak-relists', unit: 'lists', value: relisted, n, goal: 'none' },
    { case: 'soak-cpu', unit: 'ms', value: Math.round((cpuSeconds * 1000) / minutes), n, goal: 'of each minute' },
  ];
};

const described = (used: Used | undefined): string =>
  used === undefined
    ? ''
    : `${megabytes(used.resident)} MB, ${used.sockets} sockets, ${used.cpuSeconds.toFixed(1)} s CPU so far`;
