// `make test`: every check in the order that fails soonest, one result line at the end. Stages that only read the
// sources run while the cluster is brought up; that is used, and taken down again unless it was up before. The unit
// tests, and those with a cluster of their own, run while the end-to-end tests that have the cluster to themselves wait
// for it, which is most of their time.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, constants, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBats } from './bats.ts';
import { lineCoverage } from './line-coverage/report.ts';
import { coveredSources } from './line-coverage/sources.ts';
import { shellScripts } from './shell-scripts.ts';
import { COMPILED } from './support/compiled.ts';

interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

const node = process.execPath;
const scratch = mkdtempSync(join(tmpdir(), 'matrx-test-'));
const startedAt = performance.now();

interface Limits {
  /** Ends the command, as a failure, when it runs longer. */
  readonly minutes: number;
  /** Ends it, as a failure, when this file has been written and it still does not end: it left something open. */
  readonly doneWhenWritten?: string;
  /** Where it writes what it has open, when it gets SIGUSR2. */
  readonly report?: string;
  /** Writes what it says to this file. */
  readonly behind?: string | undefined;
  /** Gives way to nobody: what is behind others does, where there is too little for all. */
  readonly isUrgent?: boolean | undefined;
}

const run = (command: string, args: readonly string[], limits: Limits, env = process.env): Promise<number> =>
  new Promise((resolve, reject) => {
    const output = limits.behind === undefined ? 'inherit' : openSync(limits.behind, 'w');
    const child = spawn(command, args, { stdio: ['ignore', output, output], env });
    if (typeof output === 'number') closeSync(output);
    // Its own children have it from it.
    if (limits.behind !== undefined && limits.isUrgent !== true && child.pid !== undefined) {
      setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    }
    const end = (why: string): void => {
      console.log(`FAILED: ${why}`);
      if (limits.report !== undefined) child.kill('SIGUSR2');
      setTimeout(() => {
        if (limits.report !== undefined) printOpenHandles(limits.report);
        child.kill('SIGKILL');
      }, 3000);
    };
    const deadline = setTimeout(() => end(`not finished after ${limits.minutes} minutes`), limits.minutes * 60_000);
    let writtenFor = 0;
    const lookout = setInterval(() => {
      if (limits.doneWhenWritten === undefined || !existsSync(limits.doneWhenWritten)) return;
      writtenFor += 1;
      if (writtenFor === 30) end('all tests ended, but something they left open keeps the process alive');
    }, 1000);
    const settle = (): void => {
      clearTimeout(deadline);
      clearInterval(lookout);
    };
    child.once('error', (error) => {
      settle();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      settle();
      resolve(signal === null ? (code ?? 1) : 1);
    });
  });

/** Of a diagnostic report of Node: what keeps its event loop alive. */
const printOpenHandles = (report: string): void => {
  try {
    const { libuv } = JSON.parse(readFileSync(report, 'utf8')) as {
      readonly libuv: readonly Record<string, unknown>[];
    };
    for (const handle of libuv) {
      if (handle['is_active'] === true && handle['is_referenced'] === true) console.log(JSON.stringify(handle));
    }
  } catch (error) {
    console.log(`it could not say what: ${String(error)}`);
  }
};

const capture = (command: string, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${String(code)}`));
    });
  });

const heading = (name: string): void => {
  const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1);
  console.log(`\n── ${name} (at ${minutes} min) ──`);
};

interface CheckOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** It says nothing before its end. */
  readonly meanwhile?: boolean;
  readonly isUrgent?: boolean;
}

/** One command that passes or fails as a whole counts as one. */
const check = async (
  name: string,
  command: string,
  args: readonly string[],
  { env = process.env, meanwhile = false, isUrgent }: CheckOptions = {},
): Promise<Outcome> => {
  const behind = meanwhile ? join(scratch, `${name}.log`) : undefined;
  if (behind === undefined) heading(name);
  const code = await run(command, args, { minutes: 30, behind, isUrgent }, env);
  if (behind !== undefined) repeat(name, behind);
  if (code !== 0) console.log(`FAILED: ${name} (exit code ${code})`);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
};

/** What something has said that ran beside others. */
const repeat = (name: string, behind: string): void => {
  heading(`${name}, which ran meanwhile`);
  process.stdout.write(readFileSync(behind));
};

interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTotalTests: number;
  readonly numFailedTestSuites: number;
  readonly numRuntimeErrorTestSuites: number;
}

/** Counts tests. A file that cannot be run, a skipped test and a run that ran nothing are failures. */
const jest = async (
  project: string,
  args: readonly string[],
  {
    env,
    part = 'all',
    behind,
    isUrgent,
  }: Pick<Limits, 'behind' | 'isUrgent'> & { readonly env: NodeJS.ProcessEnv; readonly part?: string },
): Promise<Outcome> => {
  const name = part === 'all' ? `jest: ${project}` : `jest: ${project}, ${part}`;
  if (behind === undefined) heading(name);
  const output = join(scratch, `${project}-${part}.json`);
  const report = `${project}-${part}-report.json`;
  const code = await run(
    node,
    [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      // Smaller heaps are not collected as a whole, which spares V8's own threads a fifth of their work.
      '--initial-old-space-size=1024',
      '--report-on-signal',
      '--report-exclude-env',
      `--report-directory=${scratch}`,
      `--report-filename=${report}`,
      'node_modules/jest/bin/jest.js',
      '--selectProjects',
      project,
      '--json',
      `--outputFile=${output}`,
      ...args,
    ],
    { minutes: 45, doneWhenWritten: output, report: join(scratch, report), behind, isUrgent },
    env,
  );
  if (behind !== undefined) repeat(name, behind);
  let result: JestResult;
  try {
    result = JSON.parse(readFileSync(output, 'utf8')) as JestResult;
  } catch {
    console.log(`FAILED: jest wrote no result (exit code ${code})`);
    return { passed: 0, failed: 1 };
  }
  if (result.numPendingTests > 0)
    console.log(`FAILED: ${result.numPendingTests} skipped tests; a test runs or is removed`);
  if (result.numTotalTests === 0) console.log(`FAILED: the project ${project} ran no test`);
  const failed =
    result.numFailedTests +
    result.numRuntimeErrorTestSuites +
    result.numPendingTests +
    (result.numTotalTests === 0 ? 1 : 0);
  // Jest also fails for what is no test: an open handle.
  return { passed: result.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed };
};

/** The scripts of the host's bootstrap. */
const bats = (): Promise<Outcome> => {
  heading('bats');
  return runBats('test/**/*.bats');
};

/** Percent of the lines that the unit tests run, at least. */
const COVERED = 90;

/** Of what runs in jest's own processes: what tests start as processes of their own is not counted. */
const judgeCoverage = (folder: string): Outcome => {
  heading('line coverage');
  try {
    const { covered, total } = lineCoverage(folder, coveredSources(process.cwd()));
    const percent = (100 * covered) / total;
    console.log(`${percent.toFixed(2)} % (${covered} of ${total} lines)`);
    if (percent >= COVERED) return { passed: 1, failed: 0 };
    console.log(`FAILED: less than ${COVERED} %`);
  } catch (error) {
    console.log(`FAILED: ${String(error)}`);
  }
  return { passed: 0, failed: 1 };
};

/** They wait for a part of their time, as the others do. */
const WORKERS = `--maxWorkers=${2 * availableParallelism()}`;

const unit = (behind?: string): Promise<Outcome> => jest('unit', [WORKERS], { env: process.env, behind });

/** Not where a cluster comes too: to count is a quarter of the unit tests' work, which the whole run would wait for. */
const unitWithCoverage = async (): Promise<readonly Outcome[]> => {
  const folder = join(scratch, 'coverage');
  const outcome = await jest('unit', [WORKERS], { env: { ...process.env, MATRX_COVERAGE: folder } });
  return [outcome, judgeCoverage(folder)];
};

/** What a shell's environment is after `eval "$(make -s env)"`: only a shell knows what its lines mean. */
const environmentOf = async (exports: string): Promise<NodeJS.ProcessEnv> => {
  const printed = await capture('bash', ['-euc', 'eval "$1"; env -0', 'bash', exports]);
  return Object.fromEntries(
    printed
      .split('\0')
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );
};

/** A cluster that was stopped keeps its state, and `env` answers from that: whether it runs, only its facade can say. */
const isUp = async (): Promise<boolean> => {
  try {
    const { MATRX_URL: url = '' } = await environmentOf(await capture(node, ['src/main.ts', 'env']));
    return (await fetch(new URL('/health', url), { signal: AbortSignal.timeout(5000) })).ok;
  } catch {
    return false;
  }
};

/** Tests that take something from under everybody's feet, or measure what others use as well. */
const ALONE = String.raw`\.alone\.test\.ts$`;
/** Tests without a cluster that need the processor when their time has come: not beside many. */
const BESIDE = String.raw`\.beside\.test\.ts$`;
/** Tests that look at what the others have left behind. */
const LAST = String.raw`\.last\.test\.ts$`;
/** Tests with installations of their own, in machines of their own: nothing that others do concerns them. */
const MACHINE = String.raw`\.machine\.test\.ts$`;

/** With the cluster that `make up` has brought up. */
const endToEnd = async (): Promise<readonly Outcome[]> => {
  const env = {
    ...(await environmentOf(await capture(node, ['src/main.ts', 'env']))),
    NODE_COMPILE_CACHE: COMPILED,
  };
  return [
    await jest('e2e', [WORKERS, '--testPathIgnorePatterns', ALONE, BESIDE, MACHINE, LAST], {
      env,
      part: 'side by side',
    }),
    ...(await Promise.all([
      jest('e2e', ['--runInBand', `--testPathPatterns=${ALONE}`], { env, part: 'alone' }),
      jest('e2e', ['--runInBand', `--testPathPatterns=${BESIDE}`], {
        env,
        part: 'beside them',
        behind: join(scratch, 'beside.log'),
        isUrgent: true,
      }),
      unit(join(scratch, 'unit.log')),
      jest('e2e', ['--runInBand', `--testPathPatterns=${MACHINE}`], {
        env,
        part: 'in machines of their own',
        behind: join(scratch, 'machine.log'),
        // The longest of all, with one test after another.
        isUrgent: true,
      }),
    ])),
    await jest('e2e', ['--runInBand', `--testPathPatterns=${LAST}`], { env, part: 'at last' }),
  ];
};

/** What only reads the sources. */
const checkSources = async (options: CheckOptions): Promise<readonly Outcome[]> => [
  await check(
    'format',
    node,
    ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.'],
    options,
  ),
  await check('types', 'node_modules/.bin/tsc', ['--noEmit'], options),
  await check('lint', 'node_modules/.bin/oxlint', ['--type-aware', '--deny-warnings'], options),
  await check('shellcheck', 'shellcheck', ['--external-sources', ...shellScripts(process.cwd())], options),
  await bats(),
];

const failures = (outcomes: readonly Outcome[]): number => outcomes.reduce((sum, { failed }) => sum + failed, 0);

/** Everything, with a cluster: `programs` are what it needs. */
const whole = async (programs: Outcome): Promise<readonly Outcome[]> => {
  const wasUp = await isUp();
  const upping = check('make up', node, ['src/main.ts', 'up']);
  const early = [programs, ...(await checkSources({ meanwhile: true, isUrgent: true }))];
  const outcomes = [...early];
  if (failures(early) > 0) {
    outcomes.push(await unit(), { passed: 0, failed: 1 });
    console.log('\nFAILED: the cluster tests were not run, because an earlier check failed');
  }
  const up = await upping;
  outcomes.push(up);
  if (failures(early) === 0) outcomes.push(...(up.failed === 0 ? await endToEnd() : [await unit()]));
  if (!wasUp) outcomes.push(await check('make down', node, ['src/main.ts', 'down']));
  return outcomes;
};

const programs = await check('programs', node, ['test/programs.ts']);
// With a seed: what a change breaks is to be seen here, and what chance finds, by `make fuzz`. It has more to wait for than
// to do, so the others run meanwhile.
const fuzz = check('fuzz', node, ['test/fuzz/run.ts', '--seed', '1'], {
  env: { ...process.env, MINUTES: '0.5' },
  meanwhile: true,
});
const outcomes: Outcome[] = [
  ...(process.argv.includes('--without-cluster')
    ? [programs, ...(await checkSources({})), ...(await unitWithCoverage())]
    : await whole(programs)),
  await fuzz,
];
rmSync(scratch, { recursive: true, force: true });

const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = failures(outcomes);
heading('result');
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
