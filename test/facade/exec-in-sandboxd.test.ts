import { realpathSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/e2e/eventually.ts';
import { aSandbox } from '../support/resources.ts';
import { AWKWARD_COMMANDS, COMMANDS_THAT_MOVE } from './support/awkward-commands.ts';
import { startDaemonFacade, startFacadeOf, type DaemonFacade } from './support/daemon-facade.ts';
import { type Answer, FACADE_PUBLIC_KEY, type TestFacade } from './support/facade.ts';
import { localExec } from './support/local-exec.ts';
import { ready } from './support/statuses.ts';
import { startDaemonProcess } from '../sandboxd/support/daemon-process.ts';
import { POD_UID } from '../sandboxd/support/daemon.ts';

let facade: TestFacade;
let daemon: DaemonFacade['daemon'];
let home: string;

beforeEach(async () => {
  ({ facade, daemon } = await startDaemonFacade());
  home = realpathSync(daemon.home);
});

const exec = (command: unknown, more: object = {}, on: TestFacade = facade): Promise<Answer> =>
  on.request('/sandboxes/demo/exec', { body: { command, ...more } });
const stdoutOf = async (answer: Promise<Answer>): Promise<string> => ((await answer).body as { stdout: string }).stdout;

const DEADLINE = { deadlineMs: 60_000, everyMs: 20 };
const contentOf = (file: string): Promise<string> =>
  eventually(`something in ${file}`, async () => (await readFile(join(home, file), 'utf8')) || undefined, DEADLINE);
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

describe('POST /sandboxes/{id}/exec through sandboxd', () => {
  it('answers with exit code, output and working directory, and asks nobody else [A1.10]', async () => {
    expect(await exec('printf "one\\n\\ntwo\\n\\n"; printf "oops\\n" >&2; exit 3')).toMatchObject({
      status: 200,
      body: { exit_code: 3, stdout: 'one\n\ntwo', stderr: 'oops\n', cwd: home, timed_out: false, truncated: false },
    });
    expect(facade.cluster.calls).toEqual([]);
  });

  it.each(AWKWARD_COMMANDS)('does not trip over %s [T2]', async (_what, command, stdout) => {
    expect(await exec(command)).toMatchObject({ status: 200, body: { stdout, cwd: home } });
  });

  it.each(COMMANDS_THAT_MOVE)(
    'answers with the directory after the command: %s [A1.10] [T2]',
    async (_what, command) => {
      expect((await exec(command)).body).toMatchObject({ cwd: '/usr/lib', stdout: '' });
    },
  );

  it('reports a syntax error as bash does', async () => {
    expect(await exec('if')).toMatchObject({ body: { exit_code: 2, stderr: expect.stringContaining('syntax error') } });
  });

  it('gives every byte of a large output, and cuts what is more than the limit, saying so', async () => {
    const { body } = await exec('seq 1 30000');
    expect((body as { stdout: string }).stdout.split('\n')).toHaveLength(30_000);
    expect(body).toMatchObject({ truncated: false });
    const cut = (await exec('head -c 3000000 /dev/zero | tr "\\0" a; cd /usr/lib; exit 5')).body as { stdout: string };
    expect(cut.stdout).toHaveLength(256 * 1024);
    expect(cut).toMatchObject({ truncated: true, cwd: '/usr/lib', exit_code: 5, timed_out: false });
  });

  it('does not cut a character where it cuts an output', async () => {
    const { stdout } = (await exec('printf a; yes € | tr -d "\\n" | head -c 3000000')).body as { stdout: string };
    expect(stdout).toMatch(/^a€+$/);
  });

  it('answers 400 for a directory that does not exist', async () => {
    expect(await exec('pwd', { cwd: '/no/such' })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('/no/such') },
    });
  });

  it('gives the exit code that a shell gives for a signal', async () => {
    expect((await exec('kill -9 $$')).body).toMatchObject({ exit_code: 137, timed_out: false });
  });
});

describe('the working directory', () => {
  it('is the one of the request, or where the last command ended, or the home [A1.10]', async () => {
    expect(await stdoutOf(exec('pwd'))).toBe(home);
    await exec('cd /usr/lib');
    expect(await stdoutOf(exec('pwd'))).toBe('/usr/lib');
    expect(await stdoutOf(exec('pwd', { cwd: '/usr/bin' }))).toBe('/usr/bin');
    expect(await stdoutOf(exec('pwd'))).toBe('/usr/bin');
  });

  it('belongs to a session, so that several clients do not move each other [T2]', async () => {
    await Promise.all([exec('cd /usr', { session: 'a' }), exec('cd /var', { session: 'b' }), exec('cd /etc')]);
    const pwd = (session?: string) => stdoutOf(exec('pwd', session === undefined ? {} : { session }));
    expect(await Promise.all([pwd('a'), pwd('b'), pwd()])).toEqual(['/usr', '/var', '/etc']);
  });

  it('is the same for every replica, and after a restart of all of them [T2]', async () => {
    await exec('cd /usr/lib');
    const other = await startFacadeOf(daemon);
    expect(await stdoutOf(exec('pwd', {}, other))).toBe('/usr/lib');
    await exec('cd /var', {}, other);
    await other.stop();
    expect(await stdoutOf(exec('pwd'))).toBe('/var');
    await facade.stop();
    expect(await stdoutOf(exec('pwd', {}, await startFacadeOf(daemon)))).toBe('/var');
  });

  it('is moved by commands and by nothing else: not by processes, terminals or new access [T5]', async () => {
    await exec('cd /usr/lib');
    await facade.request('/sandboxes/demo/access', { method: 'POST' });
    await facade.request('/sandboxes/demo/processes', { body: { argv: ['true'], cwd: '/var' } });
    await facade.request('/sandboxes/demo/processes', { body: { command: 'cd /var', session: 'other' } });
    expect(await stdoutOf(exec('pwd'))).toBe('/usr/lib');
  });

  it('is the home again where the remembered one is gone', async () => {
    await exec('mkdir gone; cd gone');
    await rm(join(home, 'gone'), { recursive: true });
    expect(await stdoutOf(exec('pwd'))).toBe(home);
  });

  it.each([{ session: '' }, { session: 'a b' }, { session: 'x'.repeat(65) }, { session: 7 }])(
    'cannot be that of %j',
    async (more) => {
      expect(await exec('pwd', more)).toMatchObject({ status: 422, body: { detail: [{ loc: ['body', 'session'] }] } });
    },
  );
});

describe('a command that takes long', () => {
  it('is ended with its whole process group by the timeout, which the answer says [T1]', async () => {
    const { body } = await exec('sleep 300 & echo $! > child; echo $$ > shell; sleep 300', { timeout: 1 });
    expect(body).toMatchObject({ exit_code: 124, timed_out: true });
    await untilDead((await contentOf('child')).trim());
    await untilDead((await contentOf('shell')).trim());
  });

  it('holds nobody else up [T1]', async () => {
    const slow = exec('until [ -e go ]; do sleep 0.05; done; echo went');
    expect((await facade.request('/health')).status).toBe(200);
    expect(await stdoutOf(exec('touch go; echo quick'))).toBe('quick');
    expect(await stdoutOf(slow)).toBe('went');
  });

  it('is killed when its client goes away', async () => {
    const client = new AbortController();
    const answer = facade.request('/sandboxes/demo/exec', {
      body: { command: 'echo $$ > shell; sleep 300', timeout: 600 },
      signal: client.signal,
    });
    const shell = (await contentOf('shell')).trim();
    client.abort();
    await expect(answer).rejects.toThrow(/abort/i);
    await untilDead(shell);
    expect(await facade.untilLogged(({ msg }) => msg === 'request')).toMatchObject({ status: 499 });
  });

  it('leaves what it started in the background alive, and does not wait for it', async () => {
    const later = 'until [ -e go ]; do sleep 0.05; done; echo survived > note';
    expect((await exec(`(${later}) & echo now`)).body).toMatchObject({ stdout: 'now', exit_code: 0 });
    await writeFile(join(home, 'go'), '');
    expect(await contentOf('note')).toBe('survived\n');
  });

  it('whose daemon is gone before it ends is answered 500', async () => {
    const killed = await startDaemonProcess({ key: FACADE_PUBLIC_KEY, podUid: POD_UID });
    const its = await startFacadeOf(killed);
    const answer = exec(`touch ${home}/begun; sleep 300`, { timeout: 600 }, its);
    await eventually('the begin', () => readFile(join(home, 'begun')).then(() => true), DEADLINE);
    // Asked after the daemon said that the command has begun: when this is answered, the facade has heard that, too.
    expect((await its.request('/sandboxes/demo/processes')).status).toBe(200);
    await killed.kill();
    expect(await answer).toMatchObject({ status: 500, body: { type: 'tag:matrx.dev,2026:exec-failed' } });
  });
});

describe('a command with an Idempotency-Key', () => {
  const once = (body: object, on: TestFacade = facade, signal?: AbortSignal): Promise<Answer> =>
    on.request('/sandboxes/demo/exec', {
      body,
      headers: { 'Idempotency-Key': 'job 7' },
      ...(signal === undefined ? {} : { signal }),
    });

  it('runs once, and is answered alike by whichever replica is asked again', async () => {
    const body = { command: 'echo x >> ran; cat ran; exit 3' };
    const first = await once(body);
    expect(first.body).toMatchObject({ stdout: 'x', exit_code: 3 });
    expect((await once(body, await startFacadeOf(daemon))).body).toEqual(first.body);
    expect(await contentOf('ran')).toBe('x\n');
  });

  it('goes on when its client goes away, and can be waited for again', async () => {
    const client = new AbortController();
    const body = { command: 'touch begun; until [ -e go ]; do sleep 0.02; done; echo done' };
    const lost = once(body, facade, client.signal);
    await eventually('the begin', () => readFile(join(home, 'begun')).then(() => true), DEADLINE);
    client.abort();
    await expect(lost).rejects.toThrow(/abort/i);
    await writeFile(join(home, 'go'), '');
    expect((await once(body)).body).toMatchObject({ stdout: 'done', exit_code: 0 });
  });

  it('is refused where the key was used for another command', async () => {
    await once({ command: 'true' });
    expect(await once({ command: 'false' })).toMatchObject({
      status: 422,
      body: { type: 'tag:matrx.dev,2026:idempotency-key-reused' },
    });
  });
});

describe('an image without sandboxd', () => {
  it('takes commands through the API server', async () => {
    const lonely = await startFacadeOf({ port: 1 });
    lonely.cluster.onExec(localExec);
    expect((await exec('echo fallback', { cwd: '/' }, lonely)).body).toMatchObject({ stdout: 'fallback', cwd: '/' });
    expect(lonely.cluster.calls).toContain('exec pod-1');
  });

  it('is not what a sandbox is taken for whose address is not known yet', async () => {
    facade.cluster.add(
      aSandbox()
        .status(ready('pod-1', { podUid: POD_UID }))
        .build(),
    );
    facade.cluster.onExec(localExec);
    expect((await exec('echo early', { cwd: '/' })).body).toMatchObject({ stdout: 'early' });
    facade.cluster.add(
      aSandbox()
        .status(ready('pod-1', { podIP: '127.0.0.1', podUid: POD_UID }))
        .build(),
    );
    const before = facade.cluster.calls.length;
    expect(await stdoutOf(exec('echo now'))).toBe('now');
    expect(facade.cluster.calls).toHaveLength(before);
  });

  it('is not what a sandbox is taken for whose daemon was killed: that is a 503 until it is back', async () => {
    await exec('true');
    await daemon.close();
    expect(await exec('true')).toMatchObject({
      status: 503,
      headers: expect.anything(),
      body: { type: 'tag:matrx.dev,2026:sandbox-unreachable', sandbox_id: 'demo' },
    });
    expect(facade.cluster.calls).toEqual([]);
  });
});

describe('the log', () => {
  it('never holds what a command says [A1.14]', async () => {
    await exec('echo hunter2-in-the-command');
    await facade.request('/sandboxes/demo/processes', { body: { command: 'echo hunter2-in-the-command' } });
    await facade.untilLogged(({ msg }) => msg === 'request');
    expect(JSON.stringify(facade.logged())).not.toContain('hunter2');
    expect(facade.logged()).toContainEqual(
      expect.objectContaining({ level: 20, msg: 'command', command_length: 27, command_sha256: expect.any(String) }),
    );
  });
});
