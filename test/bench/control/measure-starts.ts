import type { Pod } from '../../../src/api/pod.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import { PODS } from '../../../src/kube/resource-types.ts';
import {
  comparedWith,
  type Measurement,
  megabytes,
  millisecondsMeasured,
  perSecond,
  ratedNextTo,
} from '../measurement.ts';
import { percentile } from '../statistics.ts';
import { podArm, sandboxArm } from './arms.ts';
import { type Arm, type Block, NAMESPACE, removeBlock, runBlock } from './arrivals.ts';
import type { Bench, Counted } from './bench.ts';
import { untilAtRest } from './at-rest.ts';
import { sum } from './prometheus-text.ts';
import { startStandInDriver } from './stand-in-driver.ts';

export interface StartsOptions {
  readonly rounds: number;
  /** So many at once. */
  readonly burst: number;
  /** So many a second, */
  readonly rate: number;
  /** for so long. */
  readonly seconds: number;
  /** So many in the end. */
  readonly total: number;
  readonly workspace: { readonly ephemeral?: boolean };
}

const WARM_UP = 30;
const BARE = 'bare pod of the same spec';

/** Sandboxes and bare pods in turn, so that whatever else the machine does meets both. */
export const measureStarts = async (bench: Bench, options: StartsOptions): Promise<readonly Measurement[]> => {
  const stopping = new AbortController();
  if (options.workspace.ephemeral !== true) await startStandInDriver(bench.kube, stopping.signal);
  const measurements = await measureAll(bench, options);
  stopping.abort();
  return measurements;
};

const measureAll = async (bench: Bench, options: StartsOptions): Promise<readonly Measurement[]> => {
  const sandboxes = sandboxArm('sandboxes', options.workspace);
  const pods = podArm('pods', await podOfOne(bench, sandboxes));
  await warmUp(bench, sandboxes, pods);
  const bursts = await measureBursts(bench, sandboxes, pods, options);
  const steady = await measureRate(bench, sandboxes, pods, options);
  const applied = await measureApplied(bench, options);
  const full = await fill(bench, sandboxes, options);
  return [...bursts, ...steady, ...applied, ...full, await reconcileErrors(bench)];
};

const podOfOne = async ({ kube }: Bench, sandboxes: Arm<Sandbox>): Promise<Pod> => {
  await runBlock(kube, sandboxes, 'first', 1, () => 0);
  const pod = await kube.get<Pod>({ type: PODS, namespace: NAMESPACE, name: 'first-0' });
  await removeBlock(kube, sandboxes.type, 'first');
  return pod;
};

const warmUp = async ({ kube }: Bench, sandboxes: Arm<Sandbox>, pods: Arm<Pod>): Promise<void> => {
  await runBlock(kube, sandboxes, 'warm-s', WARM_UP, () => 0);
  await runBlock(kube, pods, 'warm-p', WARM_UP, () => 0);
  await removeBlock(kube, sandboxes.type, 'warm-s');
  await removeBlock(kube, pods.type, 'warm-p');
};

const measureBursts = async (
  bench: Bench,
  sandboxes: Arm<Sandbox>,
  pods: Arm<Pod>,
  { rounds, burst }: StartsOptions,
): Promise<readonly Measurement[]> => {
  const { kube, say } = bench;
  const [ours, theirs]: [Block[], Block[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    theirs.push(await runBlock(kube, pods, `burst-p${round}`, burst, () => 0));
    await removeBlock(kube, pods.type, `burst-p${round}`);
    ours.push(
      await counting(bench, `burst ${round}`, burst, () =>
        runBlock(kube, sandboxes, `burst-s${round}`, burst, () => 0),
      ),
    );
    await removeBlock(kube, sandboxes.type, `burst-s${round}`);
    say(`   burst ${round}: sandboxes ${described(ours.at(-1))}; pods ${described(theirs.at(-1))}`);
  }
  const rates = (blocks: readonly Block[]): readonly number[] => blocks.map(({ seconds }) => burst / seconds);
  const median = (values: readonly number[]): number => percentile(values, 50);
  return [
    {
      ...ratedNextTo(
        perSecond('control-burst', '1/s', median(rates(ours)), burst * rounds),
        BARE,
        median(rates(theirs)),
      ),
      goal: 'at least 0.8 of bare pods',
    },
    latency('control-burst-latency', ours, theirs),
  ];
};

const measureRate = async (
  bench: Bench,
  sandboxes: Arm<Sandbox>,
  pods: Arm<Pod>,
  { rate, seconds }: StartsOptions,
): Promise<readonly Measurement[]> => {
  const { kube, say } = bench;
  const [ours, theirs]: [Block[], Block[]] = [[], []];
  const parts = 3;
  const count = Math.round((rate * seconds) / parts);
  if (count === 0) return [];
  const at = (index: number): number => (index * 1000) / rate;
  const before = await bench.controller.used();
  let cpuSeconds = 0;
  let writes = 0;
  for (let part = 0; part < parts; part += 1) {
    theirs.push(await runBlock(kube, pods, `rate-p${part}`, count, at));
    await removeBlock(kube, pods.type, `rate-p${part}`);
    await untilAtRest(bench);
    const [used, counted] = [await bench.controller.used(), await bench.counted()];
    ours.push(await runBlock(kube, sandboxes, `rate-s${part}`, count, at));
    cpuSeconds += (await bench.controller.used()).cpuSeconds - used.cpuSeconds;
    writes += await writesSince(bench, counted);
    say(`   ${rate} a second: sandboxes ${described(ours.at(-1))}; pods ${described(theirs.at(-1))}`);
  }
  say(`   resident before: ${megabytes(before.resident)} MB`);
  const total = count * parts;
  return [
    { ...latency('control-rate-latency', ours, theirs), goal: 'p50 under 1.6 times the bare pod' },
    {
      case: 'control-writes',
      unit: 'writes',
      value: Number((writes / total).toPrecision(4)),
      n: total,
      goal: 'at most 3 a cold start',
    },
    { case: 'control-cpu', unit: 'ms', value: Number(((cpuSeconds * 1000) / total).toPrecision(3)), n: total },
  ];
};

/** Made as `kubectl apply` makes them, without the finalizer that the facade's have from the start. */
const measureApplied = async (
  bench: Bench,
  { rate, seconds, workspace }: StartsOptions,
): Promise<readonly Measurement[]> => {
  const n = rate * Math.ceil(seconds / 6);
  if (n === 0) return [];
  await untilAtRest(bench);
  const before = await bench.counted();
  const arm = sandboxArm('applied sandboxes', workspace, 'kubectl');
  await runBlock(bench.kube, arm, 'applied', n, (index) => (index * 1000) / rate);
  const value = Number(((await writesSince(bench, before)) / n).toPrecision(4));
  await removeBlock(bench.kube, arm.type, 'applied');
  return [{ case: 'control-writes-applied', unit: 'writes', value, n }];
};

/** After the blocks before, up to `total`: as fast as they become ready. */
const fill = async (
  bench: Bench,
  sandboxes: Arm<Sandbox>,
  { total, rate, seconds }: StartsOptions,
): Promise<readonly Measurement[]> => {
  const count = total - Math.round((rate * seconds) / 3) * 3;
  if (count <= 0) return [];
  const block = await counting(bench, `fill to ${total}`, count, () =>
    runBlock(bench.kube, sandboxes, 'fill', count, () => 0),
  );
  const used = await bench.controller.used();
  return [
    perSecond('control-fill', '1/s', count / block.seconds, count),
    {
      case: `control-memory-${total}`,
      unit: 'MB',
      value: megabytes(used.resident),
      peak: megabytes(used.residentPeak),
      n: 1,
      goal: 'under 200 MB',
    },
  ];
};

const reconcileErrors = async ({ controller }: Bench): Promise<Measurement> => {
  const names = ['controller_runtime_reconcile_errors_total', 'controller_runtime_terminal_reconcile_errors_total'];
  const found = (await controller.metrics()).filter(({ name }) => names.includes(name));
  return {
    case: 'control-errors',
    unit: 'errors',
    value: sum(found),
    n: 1,
    goal: 'none',
  };
};

const latency = (name: string, ours: readonly Block[], theirs: readonly Block[]): Measurement => {
  const all = (blocks: readonly Block[]): readonly number[] => blocks.flatMap(({ latencies }) => latencies);
  const measured = millisecondsMeasured(
    name,
    all(ours).map((ms) => ms / 1000),
  );
  return { ...comparedWith(measured, BARE, all(theirs)), p99: Math.round(percentile(all(ours), 99)) };
};

/** Says what the controller wrote meanwhile, and what it cost it. */
const counting = async (bench: Bench, what: string, count: number, act: () => Promise<Block>): Promise<Block> => {
  await untilAtRest(bench);
  const [used, counted] = [await bench.controller.used(), await bench.counted()];
  const block = await act();
  const writes = await writesSince(bench, counted);
  const after = await bench.controller.used();
  const cpuMs = ((after.cpuSeconds - used.cpuSeconds) * 1000) / count;
  bench.say(
    `   ${what}: ${(writes / count).toFixed(2)} writes and ${cpuMs.toFixed(1)} ms CPU a sandbox, ${megabytes(after.resident)} MB`,
  );
  const now = await bench.counted();
  const changed = [...now.writes].map(([key, value]) => [key, value - (counted.writes.get(key) ?? 0)] as const);
  const told = changed.filter(([, value]) => value > count / 10).map(([key, value]) => `${key} ${value}`);
  bench.say(`   ${what}: everybody's writes: ${told.join(', ')}`);
  return block;
};

/** Once the controller has nothing more to write. */
const writesSince = async (bench: Bench, before: Counted): Promise<number> =>
  (await untilAtRest(bench)) - before.controllerWrites;

const described = (block: Block | undefined): string =>
  block === undefined
    ? ''
    : `${(block.latencies.length / block.seconds).toFixed(1)}/s, p50 ${percentile(block.latencies, 50).toFixed(0)}, p95 ${percentile(block.latencies, 95).toFixed(0)}, p99 ${percentile(block.latencies, 99).toFixed(0)} ms`;
