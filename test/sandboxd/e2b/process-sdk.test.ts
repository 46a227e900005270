import { describe, expect, test } from '@jest/globals';
import { type CommandResult, Sandbox } from 'e2b';
import { startDaemon } from '../support/daemon.ts';
import { processClient, until } from '../support/processes.ts';

/** A sandbox as the unmodified SDK sees it, whose daemon is ours. */
const sdk = async () => {
  const daemon = await startDaemon();
  const sandbox = new Sandbox({
    sandboxId: 'sandbox-of-the-test',
    envdVersion: '0.5.4',
    envdAccessToken: daemon.token,
    sandboxUrl: daemon.url,
    apiKey: 'e2b_00',
  });
  return { daemon, sandbox, commands: sandbox.commands };
};

const failure = async (command: Promise<CommandResult>): Promise<unknown> => {
  try {
    await command;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
};

describe('the E2B SDK', () => {
  test('finds the sandbox running', async () => {
    const { sandbox } = await sdk();
    expect(await sandbox.isRunning()).toBe(true);
  });

  test('runs a command and hears its output as it comes', async () => {
    const { commands, daemon } = await sdk();
    const heard: string[] = [];
    const result = await commands.run('echo out; echo é >&2; pwd; echo $GREETING', {
      envs: { GREETING: 'hello' },
      onStdout: (data) => void heard.push(data),
    });
    expect(result).toMatchObject({ exitCode: 0, stdout: `out\n${daemon.home}\nhello\n`, stderr: 'é\n' });
    expect(heard.join('')).toBe(result.stdout);
  });

  test('hears how a command failed', async () => {
    const { commands } = await sdk();
    expect(await failure(commands.run('echo no >&2; exit 3'))).toMatchObject({
      exitCode: 3,
      stderr: 'no\n',
      message: 'exit status 3',
    });
    expect(await failure(commands.run('kill -9 $$'))).toMatchObject({ exitCode: -1, message: 'signal: killed' });
    expect(await failure(commands.run('true', { cwd: '/nowhere' }))).toMatchObject({
      name: 'InvalidArgumentError',
      message: expect.stringContaining('there is no directory /nowhere'),
    });
    expect(await failure(commands.run('true', { user: 'nobody' }))).toMatchObject({
      message: expect.stringContaining('there is no user nobody'),
    });
  });

  test('ends a command by its timeout, which kills it', async () => {
    const { commands, daemon } = await sdk();
    const { processes, target, signal } = processClient(daemon);
    expect(await failure(commands.run('sleep 600', { timeoutMs: 300 }))).toMatchObject({ name: 'TimeoutError' });
    const [ended] = await until(
      () => processes.list(target, signal),
      (all) => all.every(({ running }) => !running),
    );
    expect(ended?.end).toMatchObject({ timedOut: true, signal: 'SIGTERM' });
  });

  test('writes to a command, and closes its input', async () => {
    const { commands } = await sdk();
    const handle = await commands.run('cat', { background: true, stdin: true });
    await handle.sendStdin('one ');
    await commands.sendStdin(handle.pid, 'two');
    await handle.closeStdin();
    expect((await handle.wait()).stdout).toBe('one two');
  });

  test('lists, connects to and kills commands', async () => {
    const { commands } = await sdk();
    const handle = await commands.run('echo begun; sleep 600', { background: true });
    expect(await commands.list()).toMatchObject([
      { pid: handle.pid, cmd: '/bin/bash', args: ['-l', '-c', expect.any(String)] },
    ]);
    await handle.disconnect();
    const again = await commands.connect(handle.pid);
    expect(await again.kill()).toBe(true);
    expect(await failure(again.wait())).toMatchObject({ exitCode: -1 });
    expect(await commands.kill(handle.pid)).toBe(false);
    expect(await commands.list()).toEqual([]);
  });

  test('gets what a command wrote while nobody was connected', async () => {
    const { commands, daemon } = await sdk();
    const { processes, target, signal } = processClient(daemon);
    const handle = await commands.run('while read line; do echo $line; done', { background: true, stdin: true });
    await handle.sendStdin('first\n');
    await until(
      () => Promise.resolve(handle.stdout),
      (text) => text === 'first\n',
    );
    await handle.disconnect();
    await commands.sendStdin(handle.pid, 'second\n');
    await until(
      () => processes.list(target, signal),
      ([process]) => process?.outputBytes === 'first\nsecond\n'.length,
    );
    const again = await commands.connect(handle.pid);
    await again.closeStdin();
    expect((await again.wait()).stdout).toBe('second\n');
  });

  test('has a terminal: typing, resizing and its end', async () => {
    const { sandbox } = await sdk();
    let shown = '';
    const terminal = await sandbox.pty.create({
      cols: 80,
      rows: 24,
      onData: (data) => {
        shown += Buffer.from(data).toString('utf8');
      },
    });
    await sandbox.pty.resize(terminal.pid, { cols: 101, rows: 51 });
    await sandbox.pty.sendInput(terminal.pid, new TextEncoder().encode('stty size; exit 2\n'));
    expect(await failure(terminal.wait())).toMatchObject({ exitCode: 2 });
    expect(shown).toContain('51 101');
  });

  test('gets 20 MB as they were written', async () => {
    const { commands } = await sdk();
    const { stdout } = await commands.run('seq -w 1 2500000');
    expect(stdout.length).toBe(20_000_000);
    expect(stdout.slice(-16)).toBe('2499999\n2500000\n');
  });
});
