import { beforeEach, describe, expect, it } from '@jest/globals';
import { startDaemonProcess } from '../sandboxd/support/daemon-process.ts';
import { POD_UID } from '../sandboxd/support/daemon.ts';
import { startTcpFaultProxy } from '../support/e2e-faults/tcp-fault-proxy.ts';
import { startDaemonFacade, startFacadeOf, type DaemonFacade } from './support/daemon-facade.ts';
import { allEvents, bytesOf, eventsOf, type StreamEvent } from './support/event-stream.ts';
import { API_KEY, FACADE_PUBLIC_KEY, type TestFacade } from './support/facade.ts';

let facade: TestFacade;
let daemon: DaemonFacade['daemon'];

beforeEach(async () => {
  ({ facade, daemon } = await startDaemonFacade());
});

const ask = (path: string, { on = facade, body, headers = {}, signal }: Asked = {}): Promise<Response> =>
  fetch(`${on.url}/sandboxes/demo/${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'X-API-Key': API_KEY, 'Content-Type': 'application/json', Accept: 'text/event-stream', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
interface Asked {
  readonly on?: TestFacade;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}
const stream = (command: string, more: object = {}): Promise<Response> => ask('exec', { body: { command, ...more } });
const processOf = (events: readonly StreamEvent[]): string => String(events[0]?.data['process_id']);

describe('POST /sandboxes/{id}/exec with Accept: text/event-stream', () => {
  it('tells of the start, the output and the end, each with a cursor', async () => {
    const answer = await stream('printf out; printf err >&2; cd /usr/lib; exit 3');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const events = await allEvents(answer);
    expect(answer.headers.get('location')).toBe(`/sandboxes/demo/processes/${processOf(events)}`);
    expect(events.map(({ event }) => event)).toEqual(['start', expect.any(String), expect.any(String), 'end']);
    expect(events[0]).toMatchObject({ id: '0', data: { pid: expect.any(Number), running: true, label: null } });
    expect(bytesOf(events, 'stdout').toString()).toBe('out');
    expect(bytesOf(events, 'stderr').toString()).toBe('err');
    expect(events.at(-1)).toMatchObject({
      id: '6',
      data: { exit_code: 3, cwd: '/usr/lib', timed_out: false, signal: null },
    });
  });

  it('tells of output as it comes, and not at the end', async () => {
    const answer = await stream('echo first; until [ -e go ]; do sleep 0.02; done; echo second');
    const events = eventsOf(answer);
    await events.next();
    const first = await events.next();
    expect(first.value).toMatchObject({ event: 'stdout', data: { data: 'first\n' } });
    await facade.request('/sandboxes/demo/exec', { body: { command: 'touch go', session: 'other' } });
    expect((await events.next()).value).toMatchObject({ event: 'stdout', data: { data: 'second\n' } });
    expect((await events.next()).value).toMatchObject({ event: 'end' });
  });

  it('keeps the working directory of its session as any other command', async () => {
    await allEvents(await stream('cd /usr/lib', { session: 'a' }));
    expect(bytesOf(await allEvents(await stream('pwd', { session: 'a' })), 'stdout').toString()).toBe('/usr/lib\n');
  });

  it('answers with problem details where nothing was started', async () => {
    const answer = await stream('true', { cwd: '/no/such' });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect((await ask('exec', { body: { command: '' } })).status).toBe(422);
  });

  it('says that the sandbox cannot do it where its image has no sandboxd', async () => {
    const answer = await ask('exec', { body: { command: 'true' }, on: await startFacadeOf({ port: 1 }) });
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('no sandboxd') });
  });

  it('gives 10 MB byte for byte, with text as text', async () => {
    const events = await allEvents(await stream('seq 1 1350000', { timeout: 120 }));
    const expected = Buffer.from(Array.from({ length: 1_350_000 }, (_, n) => `${n + 1}\n`).join(''));
    expect(bytesOf(events, 'stdout').equals(expected)).toBe(true);
    expect(events.every(({ data }) => data['encoding'] === undefined)).toBe(true);
    expect(events.at(-1)).toMatchObject({ event: 'end', id: String(expected.length) });
  });

  it('gives what is no UTF-8 as base64', async () => {
    const events = await allEvents(await stream(String.raw`printf '\xff\x00\xfe'`));
    expect(events[1]).toMatchObject({ event: 'stdout', data: { data: '/wD+', encoding: 'base64' } });
  });

  it('ends with a problem, and without an end, when the daemon dies', async () => {
    const killed = await startDaemonProcess({ key: FACADE_PUBLIC_KEY, podUid: POD_UID });
    const answer = await ask('exec', { body: { command: 'echo on; sleep 60' }, on: await startFacadeOf(killed) });
    const events: StreamEvent[] = [];
    for await (const event of eventsOf(answer)) {
      events.push(event);
      if (event.event === 'stdout') await killed.kill();
    }
    expect(events.map(({ event }) => event)).toEqual(['start', 'stdout', 'problem']);
    expect(events.at(-1)?.data).toMatchObject({ status: 503, sandbox_id: 'demo' });
  });

  it('lets the command go on when the client goes, and another replica takes the stream up by Last-Event-ID', async () => {
    const client = new AbortController();
    const answer = await ask('exec', {
      body: { command: 'for n in $(seq 1 400); do echo "line $n €"; sleep 0.005; done' },
      signal: client.signal,
    });
    const before: StreamEvent[] = [];
    for await (const event of eventsOf(answer)) {
      before.push(event);
      if (before.length === 20) break;
    }
    client.abort();
    const other = await startFacadeOf(daemon);
    const after = await allEvents(
      await ask(`processes/${processOf(before)}/output`, {
        on: other,
        headers: { 'Last-Event-ID': before.at(-1)?.id ?? '' },
      }),
    );
    expect(after[0]?.event).toBe('start');
    expect(after.at(-1)).toMatchObject({ event: 'end', data: { exit_code: 0 } });
    const all = Buffer.concat([bytesOf(before, 'stdout'), bytesOf(after, 'stdout')]).toString();
    expect(all).toBe(Array.from({ length: 400 }, (_, n) => `line ${n + 1} €\n`).join(''));
  });

  it('goes on by itself when the connection between server and sandbox breaks', async () => {
    const proxy = await startTcpFaultProxy({ host: '127.0.0.1', port: daemon.port });
    const behind = await startFacadeOf(proxy);
    const answer = await ask('exec', {
      body: { command: 'seq 1 200000; until [ -e go ]; do sleep 0.02; done; seq 1 200000' },
      on: behind,
    });
    const events: StreamEvent[] = [];
    for await (const event of eventsOf(answer)) {
      events.push(event);
      if (events.length !== 2) continue;
      await proxy.setMode('reset');
      await proxy.setMode('pass');
      await facade.request('/sandboxes/demo/exec', { body: { command: 'touch go', session: 'other' } });
    }
    await proxy.close();
    expect(events.filter(({ event }) => event === 'start')).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ event: 'end', data: { exit_code: 0 } });
    const numbers = Array.from({ length: 200_000 }, (_, n) => `${n + 1}\n`).join('');
    expect(bytesOf(events, 'stdout').equals(Buffer.from(numbers + numbers))).toBe(true);
  });

  it('is taken up again from its begin by who sends the same Idempotency-Key', async () => {
    const asked = { body: { command: 'echo $$' }, headers: { 'Idempotency-Key': 'k' } };
    const first = await allEvents(await ask('exec', asked));
    const again = await allEvents(await ask('exec', { ...asked, on: await startFacadeOf(daemon) }));
    expect(bytesOf(again, 'stdout')).toEqual(bytesOf(first, 'stdout'));
    expect(again.at(-1)).toEqual(first.at(-1));
  });

  it('says at the end of a stream that the server stops, so that the client goes on with another', async () => {
    const answer = await stream('echo on; sleep 60');
    const events = eventsOf(answer);
    await events.next();
    await events.next();
    const stopped = facade.stop();
    expect((await events.next()).value).toMatchObject({
      event: 'problem',
      data: { type: 'tag:matrx.dev,2026:shutting-down' },
    });
    await stopped;
  });

  it('does not let a client that does not read hold up others, or fill this process', async () => {
    const idle = await stream('head -c 200000000 /dev/zero', { timeout: 600 });
    const before = process.memoryUsage().rss;
    expect(bytesOf(await allEvents(await stream('echo other')), 'stdout').toString()).toBe('other\n');
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(150);
    await idle.body?.cancel();
  });
});
