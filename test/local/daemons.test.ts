import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/base/clock.ts';
import { makeDaemons, type Daemons } from '../../src/local/daemons.ts';
import { identifyProcess, isRunning, parseProcStat } from '../../src/base/process-identity.ts';
import { waitFor } from '../../src/local/wait.ts';

let folder: string;
let daemons: Daemons;
const env = { PATH: process.env.PATH };
const sleeper = (seconds: number) => ({ name: 'sleeper', argv: ['sleep', String(seconds)], env }) as const;
const recordOf = async (name: string): Promise<{ pid: number; startTicks: string; bootId: string }> =>
  JSON.parse(await readFile(join(folder, 'processes', `${name}.json`), 'utf8')) as {
    pid: number;
    startTicks: string;
    bootId: string;
  };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-daemons-'));
  daemons = makeDaemons({ clock: systemClock, records: join(folder, 'processes'), logs: join(folder, 'logs') });
});

afterEach(async () => {
  for (const name of await daemons.list()) await daemons.stop(name, 5000);
  await rm(folder, { recursive: true, force: true });
});

describe('a daemon', () => {
  it('is started once, and again only when its command line changes', async () => {
    expect(await daemons.ensure(sleeper(600))).toBe(true);
    const first = await recordOf('sleeper');
    expect(await daemons.ensure(sleeper(600))).toBe(false);
    expect(await daemons.ensure(sleeper(601))).toBe(true);
    expect(await isRunning(first)).toBe(false);
    expect(await daemons.isAlive('sleeper')).toBe(true);
  });

  it('is restarted when its configuration changes', async () => {
    await daemons.ensure({ ...sleeper(600), configuration: 'a' });
    expect(await daemons.ensure({ ...sleeper(600), configuration: 'b' })).toBe(true);
  });

  it('is another process, and is left alone, when its pid was given to one', async () => {
    await daemons.ensure(sleeper(600));
    const record = await recordOf('sleeper');
    const path = join(folder, 'processes/sleeper.json');
    await writeFile(path, JSON.stringify({ ...record, startTicks: '1' }));
    expect(await daemons.isAlive('sleeper')).toBe(false);
    expect(await daemons.stop('sleeper', 1000)).toBe(false);
    expect(await isRunning(record)).toBe(true);
    // So that afterEach ends it.
    await writeFile(path, JSON.stringify({ ...record, name: 'sleeper' }));
  });

  it('that ignores TERM is killed', async () => {
    const stubborn = ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 1; done'] as const;
    await daemons.ensure({ name: 'stubborn', argv: stubborn, env });
    const log = await waitFor(
      async () => ((await readFile(daemons.logOf('stubborn'), 'utf8')).includes('ready') ? true : undefined),
      { clock: systemClock, what: 'the trap', deadlineMs: 120_000, everyMs: 10 },
    );
    expect(log).toBe(true);
    const record = await recordOf('stubborn');
    expect(await daemons.stop('stubborn', 100)).toBe(true);
    expect(await isRunning(record)).toBe(false);
    expect(await daemons.list()).toEqual([]);
  });

  it('keeps the log of the run before', async () => {
    await daemons.ensure({ name: 'talker', argv: ['sh', '-c', 'echo first; exec sleep 600'], env });
    const logged = (path: string, text: string): Promise<true> =>
      waitFor(async () => ((await readFile(path, 'utf8')).includes(text) ? true : undefined), {
        clock: systemClock,
        what: `"${text}" in the log`,
        deadlineMs: 120_000,
        everyMs: 10,
      });
    await logged(daemons.logOf('talker'), 'first');
    await daemons.ensure({ name: 'talker', argv: ['sh', '-c', 'echo second; exec sleep 600'], env });
    await logged(daemons.logOf('talker'), 'second');
    await logged(`${daemons.logOf('talker')}.1`, 'first');
  });

  it('that does not exist is an error that names it', async () => {
    await expect(daemons.ensure({ name: 'ghost', argv: ['/no/such/program'], env })).rejects.toThrow(
      'ghost does not start',
    );
  });
});

it('a process is told from a later one with its pid by its start time and boot', async () => {
  const own = await identifyProcess(process.pid);
  if (own === undefined) throw new Error('this process does not find itself');
  expect(await isRunning(own)).toBe(true);
  expect(await isRunning({ ...own, startTicks: '1' })).toBe(false);
  expect(await isRunning({ ...own, bootId: 'another boot' })).toBe(false);
});

it("a process's name may hold spaces and parentheses", () => {
  const fields = ['R', '1', ...Array.from({ length: 17 }, () => '0'), '4711', '0'];
  expect(parseProcStat(`12 (a) R (b c) ${fields.join(' ')}`)).toEqual({ state: 'R', startTicks: '4711' });
  expect(parseProcStat('')).toBeUndefined();
});
