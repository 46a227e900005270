import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Step } from './step.ts';

/** A running step says at least so often that it is alive. */
const PROGRESS_EVERY_MS = 10_000;
/** As many rows of text as tell a person why a step failed. */
const MAX_PROGRESS_TEXT = 100;

export interface RunStepsDeps {
  readonly clock: Clock;
  readonly print: (line: string) => void;
  readonly logs: string;
  readonly signal?: AbortSignal;
}

type Outcome = 'done' | 'failed' | 'not run';

/**
 * Runs each step as soon as those it needs are done, prints name, progress and elapsed time, and resolves with
 * whether all succeeded. A failed step stops nothing that already runs; what needs it is not started.
 */
export const runSteps = async (steps: readonly Step[], deps: RunStepsDeps): Promise<boolean> => {
  const problem = planProblem(steps);
  if (problem !== undefined) throw new Error(problem);
  const width = Math.max(...steps.map(({ name }) => name.length));
  const outcomes = new Map<string, Promise<Outcome>>();
  for (const step of steps) {
    const needed = step.needs.map((name) => outcomes.get(name) as Promise<Outcome>);
    outcomes.set(
      step.name,
      Promise.all(needed).then((results) =>
        results.every((result) => result === 'done') ? runStep(step, width, deps) : 'not run',
      ),
    );
  }
  const results = await Promise.all(outcomes.values());
  return results.every((result) => result === 'done');
};

/** Runs the steps one after another, each whatever became of those before it; resolves with whether all succeeded. */
export const runInOrder = async (steps: readonly Step[], deps: RunStepsDeps): Promise<boolean> => {
  const width = Math.max(...steps.map(({ name }) => name.length));
  let succeeded = true;
  for (const step of steps) succeeded = (await runStep(step, width, deps)) === 'done' && succeeded;
  return succeeded;
};

const runStep = async (step: Step, width: number, deps: RunStepsDeps): Promise<Outcome> => {
  const { clock, print } = deps;
  const started = clock.monotonic();
  const elapsed = (): string => formatElapsed(clock.monotonic() - started);
  const label = step.name.padEnd(width);
  const log = join(deps.logs, 'steps', `${step.name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.log`);
  const ended = new AbortController();
  const signal = deps.signal ?? ended.signal;
  let latest = '';
  const reportProgress = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(PROGRESS_EVERY_MS, ended.signal);
      print(`… ${label} ${elapsed()}  ${latest}`.trimEnd());
    }
  };
  // Ends by the abort below, which is no error.
  const progress = reportProgress().catch(() => {});
  try {
    const report = (text: string): void => {
      latest = text.trim().slice(0, MAX_PROGRESS_TEXT);
    };
    const result = await step.run({ report, log, signal });
    print(`✓ ${label} ${elapsed()}  ${result}`.trimEnd());
    return 'done';
  } catch (error) {
    print(`✗ ${label} ${elapsed()}  ${errorMessage(error)}`);
    print(`  what to do: ${step.remedy}`);
    print(`  log: ${log}`);
    return 'failed';
  } finally {
    ended.abort();
    await progress;
  }
};

/** What is wrong with the order of the steps: each must come after all it needs. */
export const planProblem = (steps: readonly Step[]): string | undefined => {
  const known = new Set<string>();
  for (const { name, needs } of steps) {
    const missing = needs.find((need) => !known.has(need));
    if (missing !== undefined) return `step "${name}" needs "${missing}", which does not come before it`;
    if (known.has(name)) return `two steps are called "${name}"`;
    known.add(name);
  }
  return undefined;
};

/** "0.4 s", "12 s", "5 min 03 s", all of one width. `ms` is milliseconds. */
export const formatElapsed = (ms: number): string => {
  const seconds = Math.round(ms / 1000);
  const text =
    ms < 9950
      ? `${(ms / 1000).toFixed(1)} s`
      : seconds < 60
        ? `${seconds} s`
        : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  return text.padStart('5 min 03 s'.length);
};
