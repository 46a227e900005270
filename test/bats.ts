import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** How a file of bats tests ended, by what it printed (Test Anything Protocol). A skipped test is a failure. */
export const tapOutcome = (
  output: string,
  exitCode: number,
): { readonly passed: number; readonly failed: number; readonly planned: number } => {
  const results = output.split('\n').filter((line) => /^(not )?ok \d/.test(line));
  const passed = results.filter((line) => line.startsWith('ok') && !/ # skip\b/.test(line)).length;
  const planned = Number(/^1\.\.(\d+)$/m.exec(output)?.[1] ?? 0);
  // What did not get as far as a result did not pass either.
  const failed = Math.max(results.length, planned) - passed;
  return { passed, planned, failed: failed === 0 && (exitCode !== 0 || planned === 0) ? 1 : failed };
};

const runFile = (file: string, minutes: number): Promise<ReturnType<typeof tapOutcome>> =>
  new Promise((resolve, reject) => {
    const child = spawn('bats', ['--formatter', 'tap', file], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const deadline = setTimeout(() => {
      console.log(`FAILED: ${file} was not finished after ${minutes} minutes`);
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, minutes * 60_000);
    child.once('error', (error) => {
      clearTimeout(deadline);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(deadline);
      const outcome = tapOutcome(output, code ?? 1);
      console.log(outcome.failed === 0 ? `${file}: ${outcome.passed} passed` : `FAILED: ${file}\n${output}`);
      resolve(outcome);
    });
  });

/** Runs the files, as many at a time as there are cores. */
export const runBats = async (pattern: string): Promise<{ readonly passed: number; readonly failed: number }> => {
  const waiting = globSync(pattern).sort();
  const sum = { passed: 0, failed: waiting.length === 0 ? 1 : 0 };
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const { passed, failed } = await runFile(file, 10);
      sum.passed += passed;
      sum.failed += failed;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return sum;
};
