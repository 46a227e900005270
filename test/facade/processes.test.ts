import { realpathSync } from 'node:fs';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { startDaemonFacade, startFacadeOf, type DaemonFacade } from './support/daemon-facade.ts';
import { allEvents, bytesOf } from './support/event-stream.ts';
import { API_KEY, type Answer, type RequestOptions, type TestFacade } from './support/facade.ts';

let facade: TestFacade;
let daemon: DaemonFacade['daemon'];

beforeEach(async () => {
  ({ facade, daemon } = await startDaemonFacade());
});

const PATH = '/sandboxes/demo/processes';
const request = (path: string, options: RequestOptions = {}): Promise<Answer> =>
  facade.request(`${PATH}${path}`, options);
const start = async (body: object, headers: Record<string, string> = {}): Promise<string> => {
  const answer = await request('', { body, headers });
  expect(answer).toMatchObject({ status: 201 });
  return (answer.body as { process_id: string }).process_id;
};
const output = (id: string, query = '', headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${facade.url}${PATH}/${id}/output${query}`, { headers: { 'X-API-Key': API_KEY, ...headers } });
const stdoutOf = async (id: string): Promise<string> => bytesOf(await allEvents(await output(id)), 'stdout').toString();
const input = (id: string, bytes: string, query = ''): Promise<Answer> =>
  request(`/${id}/input${query}`, {
    method: 'POST',
    body: new TextEncoder().encode(bytes),
    headers: { 'Content-Type': 'application/octet-stream' },
  });

describe('a process in the background', () => {
  it('is started at once and says where it is', async () => {
    const { status, headers, body } = await request('', {
      body: { argv: ['sleep', '60'], label: 'a nap', cwd: '/usr' },
    });
    expect(status).toBe(201);
    const { process_id: id } = body as { process_id: string };
    expect(headers.get('location')).toBe(`${PATH}/${id}`);
    expect(body).toEqual({
      process_id: id,
      pid: expect.any(Number),
      argv: ['sleep', '60'],
      label: 'a nap',
      cwd: '/usr',
      pty: false,
      started_at: expect.stringMatching(/^\d{4}-.*Z$/),
      running: true,
      output_bytes: 0,
      output_from: 0,
      end: null,
    });
    expect((await request(`/${id}`)).body).toEqual(body);
    expect((await request('')).body).toEqual({ processes: [body], total: 1 });
  });

  it('outlives its request, and its output and end can be read later', async () => {
    const id = await start({ command: 'echo one; echo two >&2; exit 3' });
    const events = await allEvents(await output(id));
    expect(events.map(({ event }) => event)).toEqual(['start', expect.any(String), expect.any(String), 'end']);
    expect((await request(`/${id}`)).body).toMatchObject({
      running: false,
      output_bytes: 8,
      end: { exit_code: 3, signal: null, timed_out: false, cwd: realpathSync(daemon.home) },
    });
  });

  it('gets the environment, the directory and the session it asks for', async () => {
    expect(await stdoutOf(await start({ command: 'echo "$A $B"', env: { A: '1', B: 'x y' } }))).toBe('1 x y\n');
    await allEvents(await output(await start({ command: 'cd /usr/lib', session: 's' })));
    expect(await stdoutOf(await start({ command: 'pwd', session: 's' }))).toBe('/usr/lib\n');
  });

  it('is ended by its timeout', async () => {
    const events = await allEvents(await output(await start({ argv: ['sleep', '60'], timeout: 1 })));
    expect(events.at(-1)?.data).toMatchObject({ exit_code: 124, timed_out: true });
  });

  it('is started once for an Idempotency-Key, also by another replica', async () => {
    const body = { command: 'echo x >> started; sleep 60' };
    const headers = { 'Idempotency-Key': 'job-7' };
    const first = await start(body, headers);
    const other = await startFacadeOf(daemon);
    const again = await other.request(PATH, { body, headers });
    expect(again).toMatchObject({ status: 201, body: { process_id: first } });
    expect(await start(body, { 'Idempotency-Key': 'job-8' })).not.toBe(first);
    expect((await request('')).body).toMatchObject({ total: 2 });
  });

  it('is refused for an Idempotency-Key that was used for another one', async () => {
    await start({ command: 'sleep 60' }, { 'Idempotency-Key': 'job-7' });
    expect(await request('', { body: { command: 'sleep 61' }, headers: { 'Idempotency-Key': 'job-7' } })).toMatchObject(
      {
        status: 422,
        body: { type: 'tag:matrx.dev,2026:idempotency-key-reused' },
      },
    );
  });

  it('can be signalled, and killed and forgotten', async () => {
    const id = await start({ command: 'trap "echo got it; exit 5" USR1; echo ready; while :; do sleep 0.05; done' });
    const events = allEvents(await output(id));
    await untilOutput(id, 'ready');
    expect((await request(`/${id}/signal`, { body: { signal: 'SIGUSR1' } })).status).toBe(204);
    expect((await events).at(-1)?.data).toMatchObject({ exit_code: 5 });
    expect(await request(`/${id}/signal`, { body: {} })).toMatchObject({
      status: 409,
      body: { type: 'tag:matrx.dev,2026:wrong-state' },
    });
    expect((await request(`/${id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await request(`/${id}`)).status).toBe(404);
    const running = await start({ argv: ['sleep', '60'] });
    expect((await request(`/${running}`, { method: 'DELETE' })).status).toBe(204);
    expect((await request('')).body).toMatchObject({ total: 0 });
  });

  it('has a terminal if it asks for one, whose size can be changed', async () => {
    const id = await start({ command: 'stty size; read -r _; stty size', pty: { cols: 90, rows: 30 } });
    await untilOutput(id, '30 90');
    expect((await request(`/${id}/resize`, { body: { cols: 100, rows: 40 } })).status).toBe(204);
    await input(id, '\n');
    const events = await allEvents(await output(id));
    expect(bytesOf(events, 'pty').toString()).toMatch(/30 90\s+40 100/);
  });

  it.each([
    ['neither command nor argv', {}, 'command'],
    ['both', { command: 'a', argv: ['a'] }, 'command'],
    ['an empty argv', { argv: [] }, 'argv'],
    ['a NUL in an argument', { argv: ['a', 'b\0c'] }, 'argv'],
    ['a relative directory', { command: 'a', cwd: 'x' }, 'cwd'],
    ['a variable with a space', { command: 'a', env: { 'A B': '1' } }, 'env'],
    ['a variable that is a number', { command: 'a', env: { A: 1 } }, 'env'],
    ['a timeout of nothing', { command: 'a', timeout: 0 }, 'timeout'],
    ['a terminal without columns', { command: 'a', pty: { cols: 0, rows: 1 } }, 'pty'],
    ['a field that there is not', { command: 'a', shell: 'zsh' }, 'shell'],
  ])('is not started with %s: 422 names the field', async (_what, body, field) => {
    const answer = await request('', { body });
    expect(answer.status).toBe(422);
    expect((answer.body as { detail: { loc: string[] }[] }).detail.map(({ loc }) => loc[1])).toContain(field);
  });

  it.each([
    ['a program that there is not', { argv: ['/no/such/program'] }, /no program/],
    ['a directory that there is not', { command: 'a', cwd: '/no/such' }, /no directory/],
    ['a command that is too long', { command: 'x'.repeat(10_001) }, /too long/],
  ])('is not started with %s: 400 says why', async (_what, body, detail) => {
    expect(await request('', { body })).toMatchObject({ status: 400, body: { detail: expect.stringMatching(detail) } });
  });

  it.each([
    ['GET', '/none'],
    ['GET', '/none/output'],
    ['DELETE', '/none'],
    ['POST', '/none/input'],
    ['POST', '/none/input/close'],
    ['POST', '/none/signal'],
  ])('that there is not is 404: %s %s', async (method, path) => {
    const answer = await request(path, { method, ...(path.endsWith('signal') ? { body: {} } : {}) });
    expect(answer).toMatchObject({ status: 404, body: { detail: expect.stringContaining('none') } });
  });

  it('needs a sandbox, which runs sandboxd', async () => {
    expect((await facade.request('/sandboxes/none/processes')).status).toBe(404);
    const without = await startFacadeOf({ port: 1 });
    expect(await without.request(PATH)).toMatchObject({
      status: 503,
      body: { type: 'tag:matrx.dev,2026:sandbox-unreachable', detail: expect.stringContaining('no sandboxd') },
    });
  });
});

describe('the output of a process', () => {
  it('is what is there and no more, if nobody wants to follow it', async () => {
    const id = await start({ command: 'echo here; sleep 60' });
    await untilOutput(id, 'here');
    const events = await allEvents(await output(id, '?follow=false'));
    expect(events.map(({ event }) => event)).toEqual(['start', 'stdout']);
    expect(await allEvents(await output(id, '?follow=false&cursor=2'))).toMatchObject([
      { event: 'start' },
      { event: 'stdout', data: { data: 're\n' } },
    ]);
  });

  it('goes on behind Last-Event-ID, whatever cursor the address names', async () => {
    const id = await start({ command: 'printf abcdef' });
    await allEvents(await output(id));
    const events = await allEvents(await output(id, '?cursor=0', { 'Last-Event-ID': '4' }));
    expect(bytesOf(events, 'stdout').toString()).toBe('ef');
  });

  it('is bytes where those are asked for', async () => {
    const id = await start({ command: String.raw`printf '\xff\x00€'` });
    const answer = await output(id, '', { Accept: 'application/octet-stream' });
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from([0xff, 0, 0xe2, 0x82, 0xac]));
    const rest = await output(id, '?cursor=2', { Accept: 'application/octet-stream' });
    expect(await rest.text()).toBe('€');
  });

  it('that was dropped is a gap among events, and no bytes at all', async () => {
    const id = await start({ command: 'head -c 9000000 /dev/zero; echo end' });
    const events = await allEvents(await output(id));
    expect(events.at(-1)?.event).toBe('end');
    const late = await allEvents(await output(id));
    const gap = late.find(({ event }) => event === 'gap');
    expect(gap?.data).toEqual({ from: 0, to: expect.any(Number) });
    const refused = await output(id, '', { Accept: 'application/octet-stream' });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringContaining(`cursor=${String(gap?.data['to'])}`),
    });
  });

  it.each(['?cursor=x', '?cursor=-1', '?cursor=1.5', '?follow=maybe'])('cannot be asked for with %s', async (query) => {
    expect((await output(await start({ command: 'true' }), query)).status).toBe(422);
  });

  it('cannot go on behind what is no cursor, or behind what was never written', async () => {
    const id = await start({ command: 'true' });
    expect(await (await output(id, '', { 'Last-Event-ID': 'x y' })).json()).toMatchObject({
      status: 422,
      detail: [{ loc: ['header', 'last-event-id'] }],
    });
    await allEvents(await output(id));
    expect((await output(id, '?cursor=1000')).status).toBe(400);
  });
});

describe('the input of a process', () => {
  it('is bytes, sent in any number of requests', async () => {
    const id = await start({ argv: ['cat'], stdin: true });
    expect((await input(id, 'one ', '?offset=0')).body).toEqual({ offset: 4 });
    expect((await input(id, 'two', '?offset=4')).body).toEqual({ offset: 7 });
    expect((await request(`/${id}/input/close`, { method: 'POST' })).status).toBe(204);
    expect(await stdoutOf(id)).toBe('one two');
  });

  it('that is sent twice is taken once', async () => {
    const id = await start({ argv: ['cat'], stdin: true });
    await input(id, 'abc', '?offset=0');
    expect((await input(id, 'abcd', '?offset=0')).body).toEqual({ offset: 4 });
    await request(`/${id}/input/close`, { method: 'POST' });
    expect(await stdoutOf(id)).toBe('abcd');
  });

  it('without an offset is appended', async () => {
    const id = await start({ argv: ['cat'], stdin: true });
    await input(id, 'a');
    expect((await input(id, 'a')).body).toEqual({ offset: 2 });
    await request(`/${id}/input/close`, { method: 'POST' });
    expect(await stdoutOf(id)).toBe('aa');
  });

  it('is refused where bytes before it are missing, and where there is none', async () => {
    const id = await start({ argv: ['cat'], stdin: true });
    expect(await input(id, 'x', '?offset=5')).toMatchObject({ status: 400 });
    const deaf = await start({ argv: ['sleep', '60'] });
    expect(await input(deaf, 'x')).toMatchObject({
      status: 409,
      body: { type: 'tag:matrx.dev,2026:wrong-state', detail: expect.stringContaining('without stdin') },
    });
  });
});

const untilOutput = async (id: string, text: string): Promise<void> => {
  const answer = await output(id, '', { Accept: 'application/octet-stream' });
  let read = '';
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    read += Buffer.from(chunk).toString();
    if (read.includes(text)) return;
  }
  throw new Error(`the output has no ${text}: ${read}`);
};
