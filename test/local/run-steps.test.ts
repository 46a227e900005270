import { describe, expect, it } from '@jest/globals';
import { formatElapsed, planProblem, runInOrder, runSteps } from '../../src/local/run-steps.ts';
import { step, type Step } from '../../src/local/step.ts';
import { makeVirtualClock } from '../support/virtual-clock.ts';

const setup = () => {
  const clock = makeVirtualClock();
  const lines: string[] = [];
  return { clock, lines, deps: { clock, print: (line: string) => lines.push(line), logs: '/logs' } };
};
const quick = (name: string, needs: readonly string[] = [], ran: string[] = []): Step =>
  step(
    name,
    needs,
    async () => {
      ran.push(name);
      return `${name} is done`;
    },
    'nothing',
  );
const failing = (name: string, needs: readonly string[] = []): Step =>
  step(name, needs, () => Promise.reject(new Error('the disk is full')), 'empty the disk');

describe('steps', () => {
  it('run when what they need is done, and say what came of them', async () => {
    const { deps, lines } = setup();
    const ran: string[] = [];
    expect(await runSteps([quick('a', [], ran), quick('b', ['a'], ran)], deps)).toBe(true);
    expect(ran).toEqual(['a', 'b']);
    expect(lines).toEqual(['✓ a      0.0 s  a is done', '✓ b      0.0 s  b is done']);
  });

  it('that do not need each other run at the same time', async () => {
    const { deps, clock } = setup();
    const slow = (name: string): Step =>
      step(
        name,
        [],
        async () => {
          await clock.sleep(5000);
          return '';
        },
        '',
      );
    const running = runSteps([slow('a'), slow('b')], deps);
    // Two steps and their two progress reports.
    await clock.waitForSleepers(4);
    await clock.advance(5000);
    expect(await running).toBe(true);
  });

  it('say every ten seconds that they go on, with the latest that they reported', async () => {
    const { deps, lines, clock } = setup();
    const slow = step(
      'slow',
      [],
      async ({ report }) => {
        report('compiling everything');
        await clock.sleep(25_000);
        return 'compiled';
      },
      '',
    );
    const running = runSteps([slow], deps);
    await clock.waitForSleepers(2);
    await clock.advance(25_000);
    await running;
    expect(lines).toEqual([
      '… slow       10 s  compiling everything',
      '… slow       20 s  compiling everything',
      '✓ slow       25 s  compiled',
    ]);
  });

  it('that fail say why, what to do and where the log is; what needs them is not run, the rest is', async () => {
    const { deps, lines } = setup();
    const ran: string[] = [];
    const steps = [failing('S3 bucket'), quick('after', ['S3 bucket'], ran), quick('other', [], ran)];
    expect(await runSteps(steps, deps)).toBe(false);
    expect(ran).toEqual(['other']);
    expect(lines).toContain('✗ S3 bucket      0.0 s  the disk is full');
    expect(lines).toContain('  what to do: empty the disk');
    expect(lines).toContain('  log: /logs/steps/s3-bucket.log');
  });

  it('in order are each tried, whatever became of the others', async () => {
    const { deps } = setup();
    const ran: string[] = [];
    expect(await runInOrder([failing('a'), quick('b', [], ran)], deps)).toBe(false);
    expect(ran).toEqual(['b']);
  });
});

it('a plan whose order is wrong is refused', () => {
  expect(planProblem([quick('b', ['a']), quick('a')])).toContain('"b" needs "a"');
  expect(planProblem([quick('a'), quick('a')])).toContain('two steps');
  expect(planProblem([quick('a'), quick('b', ['a'])])).toBeUndefined();
});

it.each([
  [400, '0.4 s'],
  [9949, '9.9 s'],
  [9960, '10 s'],
  [59_400, '59 s'],
  [59_600, '1 min 00 s'],
  [303_000, '5 min 03 s'],
])('%d ms reads %s', (ms, text) => {
  expect(formatElapsed(ms).trim()).toBe(text);
});
