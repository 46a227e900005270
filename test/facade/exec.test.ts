import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { KubeError } from '../../src/kube/errors.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { aSandbox } from '../support/resources.ts';
import { AWKWARD_COMMANDS, COMMANDS_THAT_MOVE } from './support/awkward-commands.ts';
import { type Answer, startFacade, type TestFacade } from './support/facade.ts';
import { localExec } from './support/local-exec.ts';
import { notReady, ready, stopped } from './support/statuses.ts';

let facade: TestFacade;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facade-exec-'));
  facade = await startFacade();
  facade.cluster.add(aSandbox().status(ready('pod-1')).build());
  facade.cluster.onExec(localExec);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const exec = (command: unknown, more: object = {}): Promise<Answer> =>
  facade.request('/sandboxes/demo/exec', { body: { command, cwd: folder, ...more } });

const DEADLINE = { deadlineMs: 60_000, everyMs: 20 };

/** What a process of its own writes: there is nothing to subscribe to. */
const contentOf = (file: string): Promise<string> =>
  eventually(`something in ${file}`, async () => (await readFile(join(folder, file), 'utf8')) || undefined, DEADLINE);

const isAlive = (pid: string): boolean => {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
};

const untilDead = (pid: string): Promise<boolean> =>
  eventually(`the end of process ${pid}`, () => !isAlive(pid), DEADLINE);

describe('POST /sandboxes/{id}/exec where the image has no sandboxd', () => {
  it('answers with exit code, output and working directory', async () => {
    expect(await exec('printf "one\\n\\ntwo\\n\\n"; printf "oops\\n" >&2; exit 3')).toMatchObject({
      status: 200,
      body: { exit_code: 3, stdout: 'one\n\ntwo', stderr: 'oops\n', cwd: folder, timed_out: false, truncated: false },
    });
  });

  it('runs in the pod of the sandbox, in its one container, with the command out of sight of ps', async () => {
    let target: unknown;
    facade.cluster.onExec((asked, options) => {
      target = asked;
      return localExec(asked, options);
    });
    await exec('true # secret');
    expect(target).toMatchObject({ namespace: 'sandboxes', pod: 'pod-1', container: 'sandbox' });
    expect(JSON.stringify((target as { command: string[] }).command)).not.toContain('secret');
  });

  it.each(AWKWARD_COMMANDS)('does not trip over %s', async (_what, command, stdout) => {
    expect(await exec(command)).toMatchObject({ status: 200, body: { stdout, cwd: folder } });
  });

  it('reports a syntax error as bash does', async () => {
    expect(await exec('if')).toMatchObject({ body: { exit_code: 2, stderr: expect.stringContaining('syntax error') } });
  });

  it.each(COMMANDS_THAT_MOVE)('answers with the directory after the command: %s', async (_what, command) => {
    const { body } = await exec(command);
    expect(body).toMatchObject({ cwd: '/usr/lib', stdout: '' });
  });

  it('knows nothing of the directory of an earlier command', async () => {
    await exec('cd /usr/lib');
    expect((await exec('pwd')).body).toMatchObject({ stdout: folder });
  });

  it('starts at home where the request names no directory', async () => {
    let stdin = '';
    facade.cluster.onExec((target, options) => {
      stdin = target.stdin ?? '';
      return localExec(target, options);
    });
    await facade.request('/sandboxes/demo/exec', { body: { command: 'pwd' } });
    expect(stdin.split('\0')[3]).toBe('/home/agent');
  });

  it('answers 400 for a directory that does not exist', async () => {
    expect(await exec('pwd', { cwd: '/no/such' })).toMatchObject({
      status: 400,
      body: { detail: 'Directory /no/such does not exist in the sandbox, or cannot be entered' },
    });
  });

  it('does not wait for a background process that keeps the output open, and lets it live', async () => {
    const later = 'until [ -e go ]; do sleep 0.05; done; echo late; echo late >&2; echo survived > note';
    const { body } = await exec(`(${later}) & echo now`);
    expect(body).toMatchObject({ stdout: 'now', stderr: '', exit_code: 0 });
    await writeFile(join(folder, 'go'), '');
    expect(await contentOf('note')).toBe('survived\n');
  });

  it('gives every byte of a large output', async () => {
    const { body } = await exec('seq 1 30000');
    const { stdout, truncated } = body as { stdout: string; truncated: boolean };
    expect(stdout.split('\n')).toHaveLength(30_000);
    expect(truncated).toBe(false);
  });

  it('cuts what is more than the limit, and says so', async () => {
    const { body } = await exec('head -c 3000000 /dev/zero | tr "\\0" a; cd /usr/lib; exit 5');
    const { stdout, ...rest } = body as { stdout: string };
    expect(stdout).toHaveLength(256 * 1024);
    expect(rest).toMatchObject({ truncated: true, cwd: '/usr/lib', exit_code: 5, timed_out: false });
  });

  it('applies the timeout to the whole process group, and says so', async () => {
    const { body } = await exec('sleep 300 & echo $! > child; echo $$ > shell; sleep 300', { timeout: 1 });
    expect(body).toMatchObject({ exit_code: 124, timed_out: true });
    await untilDead((await contentOf('child')).trim());
    await untilDead((await contentOf('shell')).trim());
  });

  it('kills what does not listen to TERM', async () => {
    const { body } = await exec("trap '' TERM; echo $$ > shell; while :; do sleep 0.1; done", { timeout: 1 });
    expect(body).toMatchObject({ exit_code: 124, timed_out: true });
    expect(isAlive((await contentOf('shell')).trim())).toBe(false);
  });

  it('does not take an exit code of 124 for a timeout', async () => {
    expect((await exec('exit 124')).body).toMatchObject({ exit_code: 124, timed_out: false });
  });

  it('kills the command when the client goes away', async () => {
    const client = new AbortController();
    const answer = facade.request('/sandboxes/demo/exec', {
      body: { command: 'echo $$ > shell; sleep 300', cwd: folder, timeout: 600 },
      signal: client.signal,
    });
    const shell = (await contentOf('shell')).trim();
    client.abort();
    await expect(answer).rejects.toThrow(/abort/i);
    await untilDead(shell);
    expect(await facade.untilLogged(({ msg }) => msg === 'request')).toMatchObject({
      status: 499,
      client_ip: expect.stringContaining('127.0.0.1'),
    });
  });

  it('holds nobody else up', async () => {
    const slow = exec('until [ -e go ]; do sleep 0.05; done; echo went');
    expect((await facade.request('/health')).status).toBe(200);
    expect((await exec('touch go; echo quick')).body).toMatchObject({ stdout: 'quick' });
    expect((await slow).body).toMatchObject({ stdout: 'went' });
  });

  it('leaves nothing in /tmp', async () => {
    const { body } = await exec('readlink /proc/self/fd/1');
    const { stdout } = body as { stdout: string };
    expect(stdout).toMatch(/^\/tmp\/\.matrx-exec-[0-9a-f]+\/out$/);
    expect(existsSync(dirname(stdout))).toBe(false);
  });

  it.each([
    [{ command: '' }, 'command', 'string_pattern_mismatch'],
    [{ command: '  \n' }, 'command', 'string_pattern_mismatch'],
    [{ command: 'a\0b' }, 'command', 'string_pattern_mismatch'],
    [{ command: 7 }, 'command', 'string_type'],
    [{}, 'command', 'missing'],
    [{ command: 'ls', timeout: 0 }, 'timeout', 'greater_than_equal'],
    [{ command: 'ls', timeout: 601 }, 'timeout', 'less_than_equal'],
    [{ command: 'ls', timeout: 1.5 }, 'timeout', 'int_type'],
    [{ command: 'ls', user: 'root' }, 'user', 'literal_error'],
    [{ command: 'ls', cwd: 'relative' }, 'cwd', 'string_pattern_mismatch'],
    [{ command: 'ls', shell: 'zsh' }, 'shell', 'extra_forbidden'],
  ])('answers 422 for %j, naming %s', async (body, field, type) => {
    expect(await facade.request('/sandboxes/demo/exec', { body })).toMatchObject({
      status: 422,
      body: { detail: [{ type, loc: ['body', field] }] },
    });
  });

  it('answers 400 for a command that is too long', async () => {
    expect(await exec('x'.repeat(10_001))).toMatchObject({
      status: 400,
      body: { detail: 'Command too long: it has 10001 characters, at most 10000 are accepted' },
    });
    expect((await exec(`: ${'x'.repeat(9998)}`)).status).toBe(200);
  });

  it('answers 404 for a sandbox that does not exist', async () => {
    expect(await facade.request('/sandboxes/none/exec', { body: { command: 'ls' } })).toMatchObject({
      status: 404,
      body: { detail: 'Sandbox none not found' },
    });
  });

  it('answers 400 for a sandbox without a container', async () => {
    facade.cluster.setStatus('demo', stopped(true));
    expect(await exec('ls')).toMatchObject({ status: 400, body: { detail: 'Sandbox demo has no container' } });
  });

  it('answers 409 for a sandbox that is not running', async () => {
    facade.cluster.setStatus('demo', notReady('RestoringWorkspace', 'restoring', { podName: 'pod-1' }));
    expect(await exec('ls')).toMatchObject({
      status: 409,
      body: { detail: 'Sandbox demo is not running: it is starting (restoring)', sandbox_id: 'demo' },
    });
  });

  it.each([
    ['NotFound', 'pods "pod-1" not found', 409, 'The pod of the sandbox is gone'],
    ['ServerError', 'exec: "bash": executable file not found in $PATH', 500, /has no bash/],
    ['ServerError', 'container not created', 500, /did not take the command/],
    ['Unreachable', 'closed (1006)', 500, /connection to the sandbox ended/],
    ['Timeout', 'did not finish', 500, /did not answer in time/],
    ['Forbidden', 'pods/exec is forbidden: 10.1.2.3', 500, 'Internal Server Error'],
    ['TooManyRequests', 'slow down', 503, /try again/],
  ] as const)('answers a failed exec (%s, %s) with %i', async (reason, message, status, detail) => {
    const killed: string[] = [];
    facade.cluster.onExec(({ command }) => {
      killed.push(...command.slice(3));
      return Promise.resolve({ exitCode: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), truncated: false });
    });
    facade.cluster.fail('exec', new KubeError(reason, message));
    const answer = await exec('ls');
    // What may be running still, and what nobody waits for, is killed by its run id.
    expect(killed).toEqual(
      reason === 'Unreachable' || reason === 'Timeout' ? ['kill', expect.stringMatching(/^[0-9a-f]{16}$/)] : [],
    );
    expect(answer).toMatchObject({
      status,
      body: { detail: typeof detail === 'string' ? detail : expect.stringMatching(detail) },
    });
    expect(JSON.stringify(answer.body)).not.toContain('10.1.2.3');
  });

  it.each([
    [
      'exec: "bash": executable file not found in $PATH',
      'ServerError',
      'The image of the sandbox has no bash, which commands are run with',
    ],
    ['pods "pod-1" not found', 'NotFound', 'The pod of the sandbox is gone'],
    [
      'connect ECONNREFUSED',
      'Unreachable',
      'The connection to the sandbox ended before the command did; the command may run until its timeout ends it',
    ],
  ] as const)('tells of a command that was lost what killing it met: %s', async (message, reason, detail) => {
    facade.cluster.fail('exec', new KubeError('Unreachable', 'closed (1006)'));
    facade.cluster.fail('exec', new KubeError(reason, message));
    expect((await exec('ls')).body).toMatchObject({ detail });
  });

  it('answers 500 that says why when the sandbox has no room for a command', async () => {
    facade.cluster.onExec(() =>
      Promise.resolve({
        exitCode: 125,
        stdout: Buffer.alloc(0),
        stderr: Buffer.from('matrx: cannot run a command, because /tmp of the sandbox is full or not writable\n'),
        truncated: false,
      }),
    );
    expect(await exec('ls')).toMatchObject({ status: 500, body: { detail: expect.stringContaining('/tmp') } });
  });
});
