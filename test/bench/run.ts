// `make bench`: a table for people, and one line of JSON per case for programs. Progress goes to stderr.
import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage } from '../../src/base/errors.ts';
import { loadClusterAccess } from '../../src/kube/load-cluster-access.ts';
import { makeKubeClient } from '../../src/kube/make-kube-client.ts';
import { requireEnvironment } from '../support/e2e/environment.ts';
import { makeKubectl } from '../support/e2e/kubectl.ts';
import { coldFiles, coldStart } from './cold.ts';
import type { Bench, BenchContext } from './context.ts';
import { exec } from './exec.ts';
import { describeMachine } from './machine.ts';
import type { Measurement } from './measurement.ts';
import { residentMemory } from './resident-memory.ts';
import { sandboxStart } from './sandbox-start.ts';
import { sandboxdMemory } from './sandboxd-memory.ts';
import { table } from './table.ts';
import { bigFile, smallFiles } from './transfer.ts';

const BENCHES: readonly Bench[] = [
  sandboxStart,
  exec,
  smallFiles,
  bigFile,
  coldFiles,
  coldStart,
  residentMemory,
  sandboxdMemory,
];

const usage = `usage: node test/bench/run.ts [case…] [--starts N] [--rounds N] [--without-tools] [--json FILE]
cases, all of them unless some are named:
${BENCHES.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`).join('\n')}`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    starts: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '3' },
    'without-tools': { type: 'boolean', default: false },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const count = (text: string): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new Error(`${text} is not a whole number above 0\n${usage}`);
  return number;
};

const chosen = positionals.length === 0 ? BENCHES : BENCHES.filter(({ name }) => positionals.includes(name));

const execute = async (): Promise<number> => {
  const unknown = positionals.filter((name) => BENCHES.every((bench) => bench.name !== name));
  if (unknown.length > 0 || values.help) {
    console.error(unknown.length > 0 ? `no case ${unknown.join(', ')}\n${usage}` : usage);
    return unknown.length > 0 ? 2 : 0;
  }
  const interrupted = new AbortController();
  process.once('SIGINT', () => {
    interrupted.abort(new Error('interrupted'));
  });
  const scratch = await mkdtemp(join(tmpdir(), 'matrx-bench-'));
  const kube = makeKubeClient({ access: loadClusterAccess(), userAgent: 'matrx-sandbox/bench' });
  const shared = {
    environment: requireEnvironment(),
    kube,
    starts: count(values.starts),
    rounds: count(values.rounds),
    withTools: !values['without-tools'],
    scratch,
    say: (line: string) => {
      console.error(line);
    },
  };
  const measurements: Measurement[] = [];
  let failed = 0;
  for (const bench of chosen) {
    const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(bench.seconds * 1000)]);
    try {
      measurements.push(...(await measure(bench, { ...shared, kubectl: makeKubectl(signal), signal })));
    } catch (error) {
      failed += 1;
      console.error(`FAILED: ${bench.name}: ${errorMessage(error)}`);
    }
  }
  await kube.close();
  await rm(scratch, { recursive: true, force: true });
  await report(measurements);
  return failed === 0 ? 0 : 1;
};

const measure = async (bench: Bench, context: BenchContext): Promise<readonly Measurement[]> => {
  context.say(`── ${bench.name}: ${bench.about}`);
  return bench.run(context);
};

const report = async (measurements: readonly Measurement[]): Promise<void> => {
  if (measurements.length === 0) return;
  const where = { machine: describeMachine(), date: new Date().toISOString().slice(0, 10) };
  console.log(`\n${where.date}, ${where.machine}\n\n${table(measurements)}\n`);
  const lines = measurements.map((measurement) => JSON.stringify({ ...measurement, ...where })).join('\n');
  console.log(lines);
  if (values.json !== undefined) await appendFile(values.json, `${lines}\n`);
};

process.exitCode = await execute();
