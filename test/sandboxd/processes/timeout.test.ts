import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startDaemon } from '../support/daemon.ts';
import { processClient, until } from '../support/processes.ts';

/** A zombie is dead: whoever adopted it has only not looked yet. */
const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
const pids = (text: string): readonly number[] => text.trim().split(/\s+/).map(Number);

describe('a process whose time is over', () => {
  test('ends, and says so [T1] [A1.10]', async () => {
    const { run } = processClient(await startDaemon());
    const { end, stdout } = await run({ shell: 'echo before; sleep 600; echo after', timeoutMs: 200 });
    expect(end).toMatchObject({ exitCode: null, signal: 'SIGTERM', timedOut: true });
    expect(stdout).toBe('before\n');
  });

  test('takes its children and grandchildren with it [T1] [T12]', async () => {
    const { run } = processClient(await startDaemon());
    const { stdout, end } = await run({
      shell: 'bash -c "sleep 600 & echo \\$!; sleep 600" & echo $!; wait',
      timeoutMs: 500,
    });
    expect(end.timedOut).toBe(true);
    expect(pids(stdout)).toHaveLength(2);
    for (const pid of pids(stdout)) expect(isAlive(pid)).toBe(false);
  });

  test('takes along what made itself a process group of its own, and what ignores TERM [T1]', async () => {
    const { run } = processClient(await startDaemon());
    const { stdout, end } = await run({
      shell: 'set -m; (trap "" TERM; while :; do sleep 0.1; done) & echo $!; wait',
      timeoutMs: 300,
    });
    expect(end.timedOut).toBe(true);
    const [stubborn] = pids(stdout);
    expect(isAlive(stubborn as number)).toBe(false);
  });

  test('ends though it is stopped', async () => {
    const { run } = processClient(await startDaemon());
    const { end } = await run({ shell: 'kill -STOP $$; echo never', timeoutMs: 300 });
    expect(end).toMatchObject({ timedOut: true, signal: 'SIGTERM' });
  });

  test('may clean up: it gets TERM first', async () => {
    const { run } = processClient(await startDaemon());
    const { stdout, end } = await run({
      shell: 'trap "echo cleaned; exit 9" TERM; sleep 600 & wait',
      timeoutMs: 300,
    });
    expect(stdout).toBe('cleaned\n');
    expect(end).toMatchObject({ exitCode: 9, timedOut: true });
  });

  test('does not hold up others, however many run beside it [T1]', async () => {
    const { run, start, processes, target, signal } = processClient(await startDaemon());
    const slow = await Promise.all(Array.from({ length: 20 }, () => start({ shell: 'sleep 600' })));
    expect((await run({ shell: 'echo quick' })).stdout).toBe('quick\n');
    await Promise.all(slow.map(({ id }) => processes.remove(target, id, signal)));
  });

  test('that ended in time is left alone, and so is what it left behind', async () => {
    const { run } = processClient(await startDaemon());
    const { stdout } = await run({ shell: 'sleep 600 >/dev/null & echo $!', timeoutMs: 300 });
    await run({ shell: 'sleep 0.5' });
    const [child] = pids(stdout);
    expect(isAlive(child as number)).toBe(true);
    process.kill(child as number);
  });
});

describe('a signal', () => {
  test('goes to the whole process group', async () => {
    const daemon = await startDaemon();
    const { processes, target, signal, start, read } = processClient(daemon);
    const { id } = await start({
      shell:
        'trap "echo shell" USR1; (trap "echo child; exit" USR1; touch ready; while :; do sleep 0.01; done) & wait; wait',
    });
    await until(
      () => Promise.resolve(existsSync(join(daemon.home, 'ready'))),
      (there) => there,
    );
    await processes.kill(target, id, 'SIGUSR1', signal);
    const { stdout } = await read(id);
    expect(stdout.trim().split('\n').sort()).toEqual(['child', 'shell']);
  });

  test('that is none is refused, and so is one to a process that has ended', async () => {
    const { processes, target, signal, run, start } = processClient(await startDaemon());
    const { id } = await start({ shell: 'sleep 600' });
    await expect(processes.kill(target, id, 'SIGNONSENSE', signal)).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(processes.kill(target, id, 'toString', signal)).rejects.toMatchObject({ code: 'invalid_argument' });
    const ended = await run({ shell: 'true' });
    await expect(processes.kill(target, ended.info.id, 'SIGTERM', signal)).rejects.toMatchObject({
      code: 'failed_precondition',
    });
  });

  test('KILL, by removing it, ends all of its session and tells its readers', async () => {
    const { processes, target, signal, start, read } = processClient(await startDaemon());
    const { id } = await start({ shell: 'set -m; trap "" TERM; sleep 600 & echo $!; sleep 600' });
    const reading = read(id);
    await until(
      () => processes.get(target, id, signal),
      ({ outputBytes }) => outputBytes > 0,
    );
    await processes.remove(target, id, signal);
    const { end, stdout } = await reading;
    expect(end.signal).toBe('SIGKILL');
    expect(isAlive(Number(stdout))).toBe(false);
    await expect(processes.get(target, id, signal)).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('the daemon', () => {
  test('leaves no zombie of its own', async () => {
    const { run } = processClient(await startDaemon());
    const pidsSeen = await Promise.all(
      Array.from({ length: 30 }, async () => (await run({ shell: 'echo $$' })).stdout),
    );
    for (const pid of pidsSeen) expect(existsSync(`/proc/${pid.trim()}`)).toBe(false);
  });

  test('ends what it started when it is stopped: TERM first', async () => {
    const daemon = await startDaemon();
    const { start, read } = processClient(daemon);
    const { id } = await start({ shell: 'trap "echo saved; exit 0" TERM; touch ready; sleep 600 & wait' });
    await until(
      () => Promise.resolve(existsSync(join(daemon.home, 'ready'))),
      (there) => there,
    );
    const reading = read(id);
    await daemon.close();
    expect(await reading).toMatchObject({ stdout: 'saved\n', end: { exitCode: 0 } });
  });
});
