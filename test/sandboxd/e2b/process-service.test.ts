import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { startDaemon, type TestDaemon } from '../support/daemon.ts';
import { processClient } from '../support/processes.ts';

const envelope = (flags: number, value: unknown): Buffer => {
  const json = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const header = Buffer.alloc(5);
  header.writeUInt8(flags, 0);
  header.writeUInt32BE(json.length, 1);
  return Buffer.concat([header, json]);
};

const STREAM = { 'content-type': 'application/connect+json' };

/** What a stream answered, message by message; the last is how it ended. */
const stream = async (
  { fetch: ask }: TestDaemon,
  method: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<readonly unknown[]> => {
  const answer = await ask(`/process.Process/${method}`, { method: 'POST', headers: { ...STREAM, ...headers }, body });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/connect+json');
  const bytes = Buffer.from(await answer.arrayBuffer());
  const messages: unknown[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    messages.push(JSON.parse(bytes.toString('utf8', at + 5, end)));
    at = end;
  }
  return messages;
};

const start = (process: unknown, more: Readonly<Record<string, unknown>> = {}): Buffer =>
  envelope(0, { process, ...more });
const unary = (daemon: TestDaemon, method: string, message: unknown, type = 'application/json') =>
  daemon.fetch(`/process.Process/${method}`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: JSON.stringify(message),
  });

describe('process.Process', () => {
  test('streams start, data and end, and then the end of the stream', async () => {
    const daemon = await startDaemon();
    const messages = await stream(daemon, 'Start', start({ cmd: 'echo', args: ['hi'] }, { stdin: false }));
    expect(messages).toEqual([
      { event: { start: { pid: expect.any(Number) } } },
      { event: { data: { stdout: Buffer.from('hi\n').toString('base64') } } },
      { event: { end: { exitCode: 0, exited: true, status: 'exit status 0' } } },
      {},
    ]);
  });

  test('says in the stream why it could not be', async () => {
    const daemon = await startDaemon();
    expect(await stream(daemon, 'Start', start({ cmd: 'no-such-program' }))).toEqual([
      { error: { code: 'invalid_argument', message: 'there is no program no-such-program' } },
    ]);
    expect(await stream(daemon, 'Connect', start({ pid: 1 }))).toEqual([
      { error: { code: 'not_found', message: 'no process runs with pid 1' } },
    ]);
    expect(await stream(daemon, 'Start', Buffer.from('nonsense'))).toEqual([
      { error: { code: 'invalid_argument', message: 'the body is not one enveloped message' } },
    ]);
    expect(await stream(daemon, 'Start', envelope(1, '{}'))).toEqual([
      { error: { code: 'unimplemented', message: 'compression is not supported' } },
    ]);
  });

  test('keeps a silent stream alive as often as it was asked to', async () => {
    const daemon = await startDaemon();
    const messages = await stream(daemon, 'Start', start({ cmd: 'sleep', args: ['1.5'] }, { stdin: false }), {
      'keepalive-ping-interval': '1',
    });
    expect(messages).toContainEqual({ event: { keepalive: {} } });
  });

  test('ends a stream when its time is over', async () => {
    const daemon = await startDaemon();
    const messages = await stream(daemon, 'Start', start({ cmd: 'sleep', args: ['600'] }), {
      'connect-timeout-ms': '200',
    });
    expect(messages.at(-1)).toMatchObject({ error: { code: 'deadline_exceeded' } });
  });

  test('begins in a directory relative to the home, or in it', async () => {
    const daemon = await startDaemon();
    const { run } = processClient(daemon);
    await run({ shell: 'mkdir -p some/where' });
    for (const cwd of ['some/where', '~/some/where', `${daemon.home}/some/where`]) {
      const [, data] = await stream(daemon, 'Start', start({ cmd: 'pwd', cwd }, { stdin: false }));
      const { event } = data as { event: { data: { stdout: string } } };
      expect(Buffer.from(event.data.stdout, 'base64').toString()).toBe(`${daemon.home}/some/where\n`);
    }
  });

  test('takes a stream of input, for a process that is found by its tag', async () => {
    const daemon = await startDaemon();
    const reading = stream(daemon, 'Start', start({ cmd: 'head', args: ['-c', '6'] }, { tag: 'mine', stdin: true }));
    const { processes, target, signal } = processClient(daemon);
    while ((await processes.list(target, signal)).length === 0);
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const input = Buffer.concat([
      envelope(0, { start: { process: { tag: 'mine' } } }),
      envelope(0, { data: { input: { stdin: base64('abc') } } }),
      envelope(0, { keepalive: {} }),
      envelope(0, { data: { input: { stdin: base64('def') } } }),
    ]);
    expect(await stream(daemon, 'StreamInput', input)).toEqual([{}, {}]);
    expect(await reading).toContainEqual({ event: { data: { stdout: base64('abcdef') } } });
    expect(await stream(daemon, 'StreamInput', envelope(0, { data: { input: { stdin: '' } } }))).toEqual([
      { error: { code: 'invalid_argument', message: 'data comes before start' } },
    ]);
  });

  test('answers what it cannot do by the codes of Connect', async () => {
    const daemon = await startDaemon();
    const { start: begin, processes, target, signal } = processClient(daemon);
    const { pid, id } = await begin({ shell: 'sleep 600' });
    const code = async (answer: Response) => [answer.status, ((await answer.json()) as { code: string }).code];
    expect(await code(await unary(daemon, 'SendSignal', { process: { pid }, signal: 'SIGNAL_SIGUSR1' }))).toEqual([
      400,
      'invalid_argument',
    ]);
    expect(await code(await unary(daemon, 'SendSignal', { process: { pid: 1 }, signal: 9 }))).toEqual([
      404,
      'not_found',
    ]);
    expect(await code(await unary(daemon, 'SendInput', { process: { pid }, input: { stdin: 'aGk=' } }))).toEqual([
      400,
      'failed_precondition',
    ]);
    expect(
      await code(await unary(daemon, 'Update', { process: { pid }, pty: { size: { cols: 1, rows: 1 } } })),
    ).toEqual([400, 'failed_precondition']);
    expect((await unary(daemon, 'List', {}, 'application/proto')).status).toBe(415);
    expect((await unary(daemon, 'GetResult', {})).status).toBe(404);
    await processes.remove(target, id, signal);
  });

  test('knows the environment that every process inherits', async () => {
    const daemon = await startDaemon();
    expect(await (await daemon.fetch('/envs')).json()).toMatchObject({ HOME: daemon.home });
  });

  test('outlives whatever is sent to it', async () => {
    const daemon = await startDaemon();
    const json = fc.jsonValue({ maxDepth: 3 });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('List', 'Connect', 'Update', 'StreamInput', 'SendInput', 'SendSignal', 'CloseStdin', 'Start'),
        fc.constantFrom('application/json', 'application/connect+json'),
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
          json.map((value) => envelope(0, value)),
          json.map((value) => Buffer.from(JSON.stringify(value))),
          fc
            .record({ process: fc.oneof(json, fc.record({ pid: json, cmd: json, args: json })), pty: json })
            .map((value) => envelope(0, value)),
        ),
        async (method, type, body) => {
          const answer = await daemon.fetch(`/process.Process/${method}`, {
            method: 'POST',
            headers: { 'content-type': type },
            body,
            signal: AbortSignal.timeout(120_000),
          });
          const text = await answer.text();
          expect(answer.status).not.toBe(500);
          expect(text).not.toContain('"internal"');
        },
      ),
      { numRuns: 300 },
    );
  });
});
