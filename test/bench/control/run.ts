// `make bench-control`: what the controller adds to the start of a bare pod, on a control plane of its own with nodes that
// kwok plays. A table for people, and one line of JSON per case for programs. Progress goes to stderr.
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { kubectlProgram, kubeProgram, kwokProgram } from '../../../src/local/cluster/binaries.ts';
import { ensureGoProgram } from '../../../src/local/go-build.ts';
import { openLocal } from '../../../src/local/open-local.ts';
import { bundle } from '../../../src/local/bundle.ts';
import { describeMachine } from '../machine.ts';
import type { Measurement } from '../measurement.ts';
import { table } from '../table.ts';
import { openBench } from './bench.ts';
import { measureStarts } from './measure-starts.ts';
import { INSIDE, runInOwnNetwork } from './own-network.ts';
import { soak } from './soak.ts';

const number = (value: string): { readonly type: 'string'; readonly default: string } => ({
  type: 'string',
  default: value,
});

const { values } = parseArgs({
  options: {
    nodes: number('10'),
    rounds: number('3'),
    burst: number('300'),
    rate: number('15'),
    seconds: number('60'),
    total: number('5000'),
    'soak-sandboxes': number('1000'),
    'soak-minutes': number('0'),
    workspaces: { type: 'boolean', default: false },
    profile: { type: 'string' },
    logs: { type: 'string' },
    json: { type: 'string' },
  },
});

const count = (
  name: 'nodes' | 'rounds' | 'burst' | 'rate' | 'seconds' | 'total' | 'soak-sandboxes' | 'soak-minutes',
) => {
  const found = Number(values[name]);
  if (!Number.isFinite(found) || found < 0) throw new Error(`--${name} takes a number, not ${values[name]}`);
  return found;
};

/** Of files in memory: etcd waits for its disk at each write, and what else the machine writes is not to be measured. */
const MEMORY = '/dev/shm';

/** What has to be fetched and built, while there is a network to fetch from. */
const buildPrograms = async (): Promise<Readonly<Record<string, string>>> => {
  const local = openLocal();
  const build = (program: Parameters<typeof ensureGoProgram>[0]): Promise<string> =>
    ensureGoProgram(program, local.paths.cache, local.env);
  const kube = await build(kubeProgram(local.project));
  const kubectl = await build(kubectlProgram(local.project));
  const kwok = await build(kwokProgram(local.project));
  const log = join(local.paths.logs, 'bench-control.log');
  await bundle(local, { report: (line) => console.error(`── ${line}`), log });
  return { MATRX_BENCH_KUBE: kube, MATRX_BENCH_KUBECTL: kubectl, MATRX_BENCH_KWOK: kwok };
};

const measure = async (): Promise<number> => {
  const folder = await mkdtemp(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'matrx-bench-control-'));
  const bench = await openBench({
    folder,
    programs: {
      kube: process.env['MATRX_BENCH_KUBE'] ?? '',
      kubectl: process.env['MATRX_BENCH_KUBECTL'] ?? '',
      kwok: process.env['MATRX_BENCH_KWOK'] ?? '',
    },
    nodes: count('nodes'),
    nodeArguments: values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
    say: (line) => console.error(line),
  });
  try {
    const minutes = count('soak-minutes');
    const measurements =
      minutes > 0
        ? await soak(bench, { sandboxes: count('soak-sandboxes'), minutes })
        : await measureStarts(bench, {
            rounds: count('rounds'),
            burst: count('burst'),
            rate: count('rate'),
            seconds: count('seconds'),
            total: count('total'),
            workspace: values.workspaces ? {} : { ephemeral: true },
          });
    await report(measurements);
    return 0;
  } finally {
    await bench.close();
    if (values.logs === undefined) await rm(folder, { recursive: true, force: true });
    else console.error(`the logs are in ${folder}`);
  }
};

const report = async (measurements: readonly Measurement[]): Promise<void> => {
  const where = { machine: describeMachine(), date: new Date().toISOString().slice(0, 10) };
  console.log(`\n${where.date}, ${where.machine}\n\n${table(measurements)}\n`);
  const lines = measurements.map((measurement) => JSON.stringify({ ...measurement, ...where })).join('\n');
  console.log(lines);
  if (values.json !== undefined) await appendFile(values.json, `${lines}\n`);
};

process.exitCode = process.env[INSIDE] === undefined ? await runInOwnNetwork(await buildPrograms()) : await measure();
