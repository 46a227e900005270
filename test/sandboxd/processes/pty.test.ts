import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { startDaemon } from '../support/daemon.ts';
import { processClient, type ProcessClient, until } from '../support/processes.ts';

const SIZE = { cols: 80, rows: 24 };

const type = async ({ processes, target, signal }: ProcessClient, id: string, offset: number, text: string) =>
  processes.input(target, id, { offset, stream: Readable.from([Buffer.from(text)]) }, signal);

/** Waits until the terminal shows it, and returns all that it has shown. */
const shows = async ({ processes, target, signal }: ProcessClient, id: string, what: RegExp): Promise<string> => {
  let text = '';
  for await (const frame of await processes.output(target, id, { cursor: 0, follow: true }, signal)) {
    if (frame.type === 'pty') text += frame.payload.toString('utf8');
    if (what.test(text)) return text;
  }
  throw new Error(`it ended with ${text}`);
};

describe('a terminal', () => {
  test('is one, of the size that was asked for, and with a session of its own', async () => {
    const { run } = processClient(await startDaemon());
    const { pty, stdout, end } = await run({
      argv: ['bash', '-c', 'tty; stty size; echo $TERM; ps -o sid= -p $$; echo $$; exit 6'],
      pty: { cols: 132, rows: 43 },
    });
    const [tty, size, term, session, pid] = pty.split('\r\n').map((line) => line.trim());
    expect({ tty, size, term }).toEqual({
      tty: expect.stringContaining('/dev/pts/'),
      size: '43 132',
      term: 'xterm-256color',
    });
    expect(session).toBe(pid);
    expect(stdout).toBe('');
    expect(end).toMatchObject({ exitCode: 6, signal: null });
  });

  test('takes what is typed, and ^C ends what runs in it', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({ argv: ['bash', '--norc', '-i'], pty: SIZE, env: { PS1: '> ' } });
    let offset = await type(client, id, 0, 'sleep 600; echo not"" this\r');
    await shows(client, id, /sleep 600/);
    await until(
      () => client.run({ shell: 'pgrep -x sleep -a | grep 600 | wc -l' }),
      ({ stdout }) => Number(stdout) > 0,
    );
    offset = await type(client, id, offset, '\u0003');
    offset = await type(client, id, offset, 'echo and"" this; exit 7\r');
    await shows(client, id, /and this/);
    const { end, pty } = await client.read(id);
    expect(end.exitCode).toBe(7);
    expect(pty).not.toContain('not this');
  });

  test('tells its programs when its size changes', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({
      argv: ['bash', '-c', 'trap "stty size" WINCH; echo ready; while :; do sleep 0.01; done'],
      pty: SIZE,
    });
    await shows(client, id, /ready/);
    await client.processes.resize(client.target, id, { cols: 100, rows: 50 }, client.signal);
    await shows(client, id, /50 100/);
    await expect(
      client.processes.resize(client.target, id, { cols: 0, rows: 50 }, client.signal),
    ).rejects.toMatchObject({ code: 'invalid_argument' });
    await client.processes.remove(client.target, id, client.signal);
  });

  test('that is closed for input gets the end of its input', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({ argv: ['cat'], pty: SIZE });
    await type(client, id, 0, 'line\n');
    await shows(client, id, /line\r\nline/);
    await client.processes.closeInput(client.target, id, client.signal);
    expect((await client.read(id)).end.exitCode).toBe(0);
  });

  test('takes a large paste while nothing reads it, without holding up the daemon', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({
      shell: 'stty raw -echo; echo ready; while [ ! -e go ]; do sleep 0.01; done; head -c 300000 | wc -c',
      pty: SIZE,
    });
    await shows(client, id, /ready/);
    const pasted = type(client, id, 0, 'x'.repeat(300_000));
    expect((await client.run({ shell: 'touch go; echo quick' })).stdout).toBe('quick\n');
    expect(await pasted).toBe(300_000);
    await shows(client, id, /300000/);
  });

  test('hangs up when it is removed, and so do the jobs in it', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({ argv: ['bash', '--norc', '-i'], pty: SIZE });
    await type(client, id, 0, 'sleep 4242 & jobs -p\r');
    const text = await shows(client, id, /\r\n\d{2,}\r\n/);
    const job = /\r\n(\d{2,})\r\n/.exec(text)?.[1];
    await client.processes.remove(client.target, id, client.signal);
    expect((await client.run({ shell: `ps -o stat= -p ${job ?? ''} | grep -v Z` })).stdout).toBe('');
  });

  test('keeps no descriptor of another', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({ argv: ['sleep', '600'], pty: SIZE });
    const { stdout } = await client.run({ argv: ['bash', '-c', 'ls -l /proc/$$/fd'] });
    const { pty } = await client.run({ argv: ['bash', '-c', 'ls -l /proc/$$/fd'], pty: SIZE });
    expect(stdout).not.toContain('ptmx');
    expect(pty).not.toContain('ptmx');
    await client.processes.remove(client.target, id, client.signal);
  });

  test('whose program is not there refuses to start', async () => {
    const { run } = processClient(await startDaemon());
    await expect(run({ argv: ['no-such-program'], pty: SIZE })).rejects.toThrow('there is no program no-such-program');
    await expect(run({ argv: ['/etc/passwd'], pty: SIZE })).rejects.toThrow('/etc/passwd may not be executed');
  });

  test('slows a program that writes without end to what its reader takes', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({ shell: 'yes', pty: SIZE });
    const full = await until(
      () => client.processes.get(client.target, id, client.signal),
      ({ outputBytes }) => outputBytes > 900_000,
    );
    expect(full.outputBytes).toBeLessThan(1_200_000);
    await client.processes.remove(client.target, id, client.signal);
  });

  test('remembers where a shell command ended', async () => {
    const { run } = processClient(await startDaemon());
    expect((await run({ shell: 'cd /usr', pty: SIZE })).end.cwd).toBe('/usr');
  });
});
