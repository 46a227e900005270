import { mkdirSync, realpathSync, rmdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { startDaemon } from '../support/daemon.ts';
import { processClient } from '../support/processes.ts';

/** A daemon with the folders a, a/b and c in its home. */
const shell = async () => {
  const daemon = await startDaemon();
  for (const folder of ['a/b', 'c', "it's a, $(touch x) folder"])
    mkdirSync(join(daemon.home, folder), { recursive: true });
  const client = processClient(daemon);
  const session = 's';
  return {
    ...daemon,
    ...client,
    /** A command of one session, and where it ended, relative to the home. */
    sh: async (command: string) => {
      const { stdout, stderr, end } = await client.run({ shell: command, session });
      const cwd = end.cwd === null ? null : end.cwd.replace(realpathSync(daemon.home), '~');
      return { stdout, stderr, code: end.exitCode, signal: end.signal, cwd };
    },
  };
};

describe('a shell command', () => {
  test.each([
    ['echo out; echo err >&2; exit 3', { stdout: 'out\n', stderr: 'err\n', code: 3 }],
    ['echo hello # a comment', { stdout: 'hello\n', code: 0 }],
    ['cat <<EOF\nin $HOME?\nEOF', { stdout: expect.stringMatching(/^in .+\?\n$/), code: 0 }],
    ["cat <<'EOF'\n$HOME\nEOF", { stdout: '$HOME\n', code: 0 }],
    ['if', { stderr: expect.stringContaining('syntax error'), code: 2 }],
    ['echo "never closed', { stderr: expect.stringContaining('unexpected EOF'), code: 2 }],
    ['-v', { stderr: expect.stringContaining('command not found'), code: 127 }],
    ['', { stdout: '', stderr: '', code: 0 }],
    ['{ echo a; }; (echo b); ! true', { stdout: 'a\nb\n', code: 1 }],
    ['echo trailing \\', { stdout: 'trailing \\\n', code: 0 }],
    ['kill -9 $$', { code: null, signal: 'SIGKILL' }],
    ['echo "$0" $# $BASH_ENV "${MATRX_ENDED_IN-none}" ${OLDPWD-none}', { stdout: 'bash 0 none none\n' }],
    ['set -x; false', { stderr: '+ false\n', code: 1, cwd: '~' }],
    ['set -eu; cd a; false; cd ..', { code: 1, cwd: '~/a' }],
    ['set -C; cd a', { code: 0, cwd: '~/a' }],
  ])('means what it means in a shell: %j [T2]', async (command, expected) => {
    const { sh } = await shell();
    expect(await sh(command)).toMatchObject(expected);
  });

  test('can open its own streams by their names, which sockets cannot', async () => {
    const { sh, run } = await shell();
    expect(await sh('echo e >/dev/stderr; echo o >/dev/stdout; echo t | tee /dev/stderr')).toMatchObject({
      stdout: 'o\nt\n',
      stderr: 'e\nt\n',
      code: 0,
    });
    const { stdout } = await run({ shell: 'cat /dev/stdin' });
    expect(stdout).toBe('');
  });

  test('does not outlast its shell by what it left in the background, which lives on', async () => {
    const { sh, home } = await shell();
    const { stdout, code } = await sh(`sleep 600 & echo $!`);
    expect(code).toBe(0);
    expect(await sh(`kill ${stdout.trim()} && echo killed`)).toMatchObject({ stdout: 'killed\n' });
    // Its output goes to nobody, and it does not die of that.
    await sh(`{ while [ ! -e go ]; do sleep 0.01; done; for n in {1..5000}; do echo $n; done; touch survived; } &`);
    expect(await sh('touch go; while [ ! -e survived ]; do sleep 0.01; done; echo it lives')).toMatchObject({
      stdout: 'it lives\n',
    });
    expect(home).not.toBe('');
  });

  test('gives the last lines that a process substitution still has', async () => {
    const { sh } = await shell();
    expect(await sh('exec > >(sed s/a/b/); echo a')).toMatchObject({ stdout: 'b\n' });
  });
});

describe('the working directory of a session', () => {
  test.each([
    ['cd a', '~/a'],
    ['cd a &', '~'],
    ['cd a && sleep 600 >/dev/null &', '~'],
    ['cd a; sleep 0.01 &', '~/a'],
    ['cd a # and a comment', '~/a'],
    ['cd a; cat <<EOF\ncd /\nEOF', '~/a'],
    ['(cd a)', '~'],
    ['cd a; (cd b)', '~/a'],
    ['echo x | (cd a; cat)', '~'],
    ['cd a; exit 7', '~/a'],
    ['cd a; false', '~/a'],
    ['cd nowhere; cd a/b', '~/a/b'],
    ['cd a; cd -', '~'],
    ['pushd a >/dev/null; pushd b >/dev/null', '~/a/b'],
    ['cd "it\'s a, \\$(touch x) folder"', "~/it's a, $(touch x) folder"],
    ['trap "echo mine" DEBUG; cd a', '~/a'],
    ['cd a; kill -TERM $$; sleep 600', '~/a'],
    ['cd a; PWD=/nowhere', '~/a'],
  ])('after %j is %s [T2]', async (command, expected) => {
    const { sh } = await shell();
    const { cwd } = await sh(command);
    expect(cwd).toBe(expected);
    const { stdout } = await sh('pwd -P');
    expect(stdout.trim().replace(realpathSync('/tmp'), '/tmp')).toMatch(new RegExp(`${escape(expected.slice(1))}$`));
  });

  test.each(['cd a; exec true', 'trap "echo bye" EXIT; cd a', 'cd a; kill -9 $$'])(
    'stays where it was after %j, which does not say where it ended',
    async (command) => {
      const { sh } = await shell();
      await sh('cd c');
      expect(await sh(command)).toMatchObject({ cwd: null });
      expect((await sh('basename "$PWD"')).stdout).toBe('c\n');
    },
  );

  test('is what was asked for, else where the last command of the session ended, else the home [A1.10]', async () => {
    const { home, run } = await shell();
    const start = realpathSync(home);
    expect((await run({ shell: 'pwd' })).stdout.trim()).toBe(start);
    await run({ shell: 'cd a', session: 'one' });
    expect((await run({ shell: 'pwd', session: 'one' })).stdout.trim()).toBe(`${start}/a`);
    expect((await run({ shell: 'pwd', session: 'one', cwd: '/usr' })).stdout.trim()).toBe('/usr');
    expect((await run({ shell: 'pwd', session: 'one' })).stdout.trim()).toBe('/usr');
    expect((await run({ shell: 'pwd', session: 'two' })).stdout.trim()).toBe(start);
    expect((await run({ shell: 'cd a' })).end.cwd).toBe(`${start}/a`);
    expect((await run({ shell: 'pwd' })).stdout.trim()).toBe(start);
  });

  test('is each session’s own, also while they run at the same time [T2]', async () => {
    const { run, home } = await shell();
    const start = realpathSync(home);
    const names = Array.from({ length: 12 }, (_, n) => `session-${n}`);
    for (let round = 0; round < 3; round++) {
      const ends = await Promise.all(
        names.map((session, n) =>
          run({ shell: `cd ~ && mkdir -p d${n}/${round} && cd d${n}/${round} && sleep 0.0${n % 3}`, session }),
        ),
      );
      expect(ends.map(({ end }) => end.cwd)).toEqual(names.map((_, n) => `${start}/d${n}/${round}`));
    }
    const where = await Promise.all(names.map((session) => run({ shell: 'pwd', session })));
    expect(where.map(({ stdout }) => stdout.trim())).toEqual(names.map((_, n) => `${start}/d${n}/2`));
  });

  test('is the home again when it has gone meanwhile', async () => {
    const { sh, home } = await shell();
    await sh('cd c');
    rmdirSync(join(home, 'c'));
    expect((await sh('pwd')).cwd).toBe('~');
  });

  test('is the path by which it was entered', async () => {
    const { sh, home } = await shell();
    symlinkSync(join(home, 'a'), join(home, 'link'));
    expect((await sh('cd link')).cwd).toBe('~/link');
  });

  test('that was asked for and is not there refuses the command', async () => {
    const { run, home } = await shell();
    await expect(run({ shell: 'pwd', cwd: `${home}/nowhere` })).rejects.toThrow(
      `there is no directory ${home}/nowhere`,
    );
    await expect(run({ shell: 'pwd', cwd: '/etc/passwd' })).rejects.toThrow('/etc/passwd is no directory');
    await expect(run({ shell: 'pwd', cwd: 'a' })).rejects.toThrow('cwd: "a" is not absolute');
  });
});

describe('the environment of a process', () => {
  test('is the daemon’s, and on top of it what was asked for', async () => {
    const { run } = await shell();
    const { stdout } = await run({ argv: ['env'], env: { GREETING: 'hello = there', LANG: 'C' } });
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['GREETING=hello = there', 'LANG=C']));
    expect(stdout).not.toMatch(/MATRX_|BASH_ENV/);
  });

  test('keeps a BASH_ENV of its own', async () => {
    const { run, home } = await shell();
    await run({ shell: 'echo "greet() { echo hello; }" > rc' });
    const { stdout, end } = await run({ shell: 'greet; echo $BASH_ENV; cd a', env: { BASH_ENV: `${home}/rc` } });
    expect(stdout).toBe(`hello\n${home}/rc\n`);
    expect(end.cwd).toMatch(/\/a$/);
  });
});

const escape = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
