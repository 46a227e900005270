import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { processClient, until } from '../support/processes.ts';

const post = ({ fetch: ask }: TestDaemon, path: string, body: unknown) =>
  ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });

describe('the process API', () => {
  test('starts a program with its arguments as they are', async () => {
    const { run } = processClient(await startDaemon());
    const { stdout, info } = await run({ argv: ['printf', '%s|', '$HOME', '', 'a b', '*', 'ü'], label: 'print' });
    expect(Buffer.from(stdout, 'latin1').toString()).toBe('$HOME||a b|*|ü|');
    expect(info).toMatchObject({ argv: ['printf', '%s|', '$HOME', '', 'a b', '*', 'ü'], label: 'print', pty: false });
  });

  test('starts a process of an id once, however often it is asked to', async () => {
    const daemon = await startDaemon();
    const { run, start, read } = processClient(daemon);
    const shell = 'echo x >>starts; wc -l <starts';
    const answers = await Promise.all(Array.from({ length: 10 }, () => start({ id: 'once', shell })));
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1);
    expect((await read('once')).stdout.trim()).toBe('1');
    // Another attempt, with attach, gets all of it from the first byte on.
    expect(await run({ id: 'once', shell })).toMatchObject({ stdout: '1\n', info: { pid: answers[0]?.pid } });
  });

  test('lists what runs and what has ended', async () => {
    const { run, start, processes, target, signal } = processClient(await startDaemon());
    const { id } = await start({ shell: 'sleep 600' });
    const ended = await run({ shell: 'exit 3' });
    const list = await processes.list(target, signal);
    expect(list.map((one) => [one.id, one.running, one.end?.exitCode])).toEqual([
      [id, true, undefined],
      [ended.info.id, false, 3],
    ]);
    await processes.remove(target, id, signal);
    await processes.remove(target, ended.info.id, signal);
    expect(await processes.list(target, signal)).toEqual([]);
    await expect(processes.remove(target, id, signal)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('removes a process that is only just starting', async () => {
    const { start, processes, target, signal } = processClient(await startDaemon());
    const starting = start({ id: 'early', shell: 'sleep 600' });
    await until(
      () =>
        processes.remove(target, 'early', signal).then(
          () => true,
          () => false,
        ),
      (removed) => removed,
    );
    await starting;
    expect(await processes.list(target, signal)).toEqual([]);
  });

  test.each([
    [{}, 'argv: exactly one of argv and shell is needed'],
    [{ argv: ['true'], shell: 'true', keep: 'attached' }, 'argv: exactly one of argv and shell is needed'],
    [{ argv: [], keep: 'attached' }, 'argv: a program and its arguments, without NUL, are needed'],
    [{ argv: 'ls', keep: 'attached' }, 'argv: a program and its arguments, without NUL, are needed'],
    [{ argv: ['a', 1], keep: 'attached' }, 'argv: a program and its arguments, without NUL, are needed'],
    [{ shell: 'a\0b', keep: 'attached' }, 'shell: a string without NUL is needed'],
    [{ shell: 'true' }, 'keep: it is attached or background'],
    [{ shell: 'true', keep: 'attached', id: 'Not An Id' }, 'id: at most 64 of a-z, 0-9 and -'],
    [{ shell: 'true', keep: 'attached', id: '../x' }, 'id: at most 64 of a-z, 0-9 and -'],
    [{ shell: 'true', keep: 'attached', env: [] }, 'env: an object of strings is needed'],
    [{ shell: 'true', keep: 'attached', env: { 'A=B': 'c' } }, 'env: "A=B" is no name'],
    [{ shell: 'true', keep: 'attached', env: { A: 1 } }, 'env: A is no string without NUL'],
    [{ shell: 'true', keep: 'attached', timeoutMs: -1 }, 'timeoutMs: it is above 0 and at most 2147483647'],
    [{ shell: 'true', keep: 'attached', timeoutMs: 2 ** 31 }, 'timeoutMs: it is above 0 and at most 2147483647'],
    [{ shell: 'true', keep: 'attached', stdin: 'yes' }, 'stdin: it is true or false'],
    [{ shell: 'true', keep: 'attached', pty: { cols: 80 } }, 'pty: cols and rows are whole numbers from 1 to 65535'],
    [{ argv: ['/no/such/program'], keep: 'attached' }, 'there is no program /no/such/program'],
    [{ argv: ['/etc/passwd'], keep: 'attached' }, '/etc/passwd may not be executed'],
    [
      { argv: ['true', 'x'.repeat(200_000)], keep: 'attached' },
      'the command, or its environment, is longer than Linux allows',
    ],
    ['{', 'the body is no JSON'],
    ['[]', 'the body is no JSON object'],
  ])('refuses %j, and says why', async (body, message) => {
    const daemon = await startDaemon();
    for (const attach of ['', '?attach=1']) {
      const answer = await post(daemon, `/matrx/processes${attach}`, body);
      expect(answer.status).toBe(400);
      expect(await answer.json()).toEqual({ code: 'invalid_argument', message });
    }
    expect(await (await daemon.fetch('/matrx/processes')).json()).toEqual({ processes: [] });
  });

  test('starts no more processes than it may, and takes the next when one has ended', async () => {
    const daemon = await startDaemon({ processes: { running: 3 } });
    const { start, processes, target, signal } = processClient(daemon);
    const running = await Promise.all([1, 2, 3].map(() => start({ shell: 'sleep 600' })));
    await expect(start({ shell: 'true' })).rejects.toMatchObject({ code: 'resource_exhausted' });
    await processes.remove(target, running[0]?.id ?? '', signal);
    expect(await start({ shell: 'true' })).toMatchObject({ running: true });
  });

  test('remembers no more ended processes than it may: those that were read to their end go first', async () => {
    const daemon = await startDaemon({ processes: { ended: 2 } });
    const { run, start, processes, target, signal } = processClient(daemon);
    await start({ id: 'unread', shell: 'echo kept', keep: 'background' });
    await until(
      () => processes.get(target, 'unread', signal),
      ({ running }) => !running,
    );
    for (const id of ['a', 'b', 'c']) await run({ id, shell: 'true' });
    const list = await until(
      () => processes.list(target, signal),
      (all) => all.length === 2,
    );
    expect(list.map(({ id }) => id)).toEqual(['unread', 'c']);
  });

  test('knows no process that is not there', async () => {
    const daemon = await startDaemon();
    const all: readonly [method: string, path: string][] = [
      ['GET', ''],
      ['GET', '/output'],
      ['POST', '/input'],
      ['POST', '/input/close'],
      ['POST', '/signal'],
      ['POST', '/resize'],
      ['POST', '/output/acknowledge?reader=r'],
      ['DELETE', ''],
    ];
    for (const [method, path] of all) {
      expect((await daemon.fetch(`/matrx/processes/nobody${path}`, { method })).status).toBe(404);
    }
    expect((await daemon.fetch('/matrx/processes/x', { method: 'PATCH' })).status).toBe(501);
  });

  test.each(['cursor=-1', 'cursor=1.5', 'cursor=x', `cursor=${'9'.repeat(30)}`, 'cursor='])(
    'takes no %s',
    async (query) => {
      const daemon = await startDaemon();
      const { id } = (await (await post(daemon, '/matrx/processes', { shell: 'true', keep: 'attached' })).json()) as {
        id: string;
      };
      expect((await daemon.fetch(`/matrx/processes/${id}/output?${query}`)).status).toBe(400);
    },
  );

  test('outlives whatever is sent to it', async () => {
    const daemon = await startDaemon();
    const { run } = processClient(daemon);
    const json = fc.jsonValue({ maxDepth: 3 });
    const field = fc.oneof(
      json,
      fc.constantFrom('true', ['true'], 'attached', 'background', { cols: 1, rows: 1 }, 1, true),
    );
    const start = fc.dictionary(
      fc.constantFrom('id', 'argv', 'shell', 'cwd', 'env', 'session', 'stdin', 'pty', 'timeoutMs', 'keep', 'label'),
      field,
    );
    const part = fc.constantFrom(
      '',
      'x',
      'output',
      'input',
      'signal',
      'resize',
      'close',
      'acknowledge',
      '%ff',
      '..',
      '%2e%2e',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'POST', 'DELETE', 'PUT'),
        fc.array(part, { maxLength: 3 }),
        fc.webQueryParameters(),
        fc.oneof(start, json, fc.string()),
        async (method, parts, query, body) => {
          const path = ['/matrx/processes', ...parts].join('/');
          const answer = await daemon.fetch(`${path}?${query}`, {
            method,
            ...(method === 'GET' ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
            signal: AbortSignal.timeout(120_000),
          });
          await answer.body?.cancel();
          expect(answer.status).not.toBe(500);
        },
      ),
      { numRuns: 300 },
    );
    expect((await run({ shell: 'echo alive' })).stdout).toBe('alive\n');
  });
});
