import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { startDaemonProcess } from '../sandboxd/support/daemon-process.ts';
import { POD_UID } from '../sandboxd/support/daemon.ts';
import { makeVirtualClock } from '../support/virtual-clock.ts';
import { startDaemonFacade, startFacadeOf, type DaemonFacade } from './support/daemon-facade.ts';
import { API_KEY, FACADE_PUBLIC_KEY, type TestFacade } from './support/facade.ts';
import { openSocket, refusalOf, type SocketData, type TestSocket } from './support/socket.ts';

let facade: TestFacade;
let daemon: DaemonFacade['daemon'];

beforeEach(async () => {
  ({ facade, daemon } = await startDaemonFacade());
});

const PATH = '/sandboxes/demo/terminal';
const open = (query = '', on: TestFacade = facade): TestSocket => openSocket(on.url, `${PATH}${query}`);
const messages = (received: readonly SocketData[], type: string) =>
  received.filter((data): data is Readonly<Record<string, unknown>> => !Buffer.isBuffer(data) && data['type'] === type);
const started = async (terminal: TestSocket): Promise<Readonly<Record<string, unknown>>> => {
  await terminal.until('start', (received) => messages(received, 'start').length > 0);
  return messages(terminal.received(), 'start')[0] as Readonly<Record<string, unknown>>;
};
const untilText = (terminal: TestSocket, text: string | RegExp): Promise<void> =>
  terminal.until(`"${String(text)}"`, () => {
    const all = terminal.bytes().toString();
    return typeof text === 'string' ? all.includes(text) : text.test(all);
  });
const type = (terminal: TestSocket, text: string): void => terminal.send(Buffer.from(text));

describe('a terminal over a WebSocket', () => {
  it('is a shell of the size that was asked for, whose size can be changed [A6.3]', async () => {
    const terminal = open('?cols=90&rows=30');
    expect(await started(terminal)).toMatchObject({ cursor: 0, pty: true, running: true, label: 'terminal' });
    type(terminal, 'stty size\n');
    await untilText(terminal, '30 90');
    terminal.send({ type: 'resize', cols: 100, rows: 40 });
    type(terminal, 'stty size\n');
    await untilText(terminal, '40 100');
  });

  it('ends with the shell, says how, and closes with 1000', async () => {
    const terminal = open();
    await started(terminal);
    type(terminal, 'exit 3\n');
    expect(await terminal.closed).toEqual({ code: 1000, reason: 'ended' });
    expect(terminal.received().at(-1)).toMatchObject({ type: 'end', exit_code: 3 });
  });

  it('begins where its session is', async () => {
    await facade.request('/sandboxes/demo/exec', { body: { command: 'cd /usr/lib', session: 's' } });
    const terminal = open('?session=s');
    await started(terminal);
    type(terminal, 'pwd\n');
    await untilText(terminal, /^\/usr\/lib\r$/m);
  });

  it('takes signals', async () => {
    const terminal = open();
    await started(terminal);
    // An interactive shell itself is deaf to TERM.
    type(terminal, `exec bash -c 'echo rea""dy; exec sleep 60'\n`);
    await untilText(terminal, 'ready\r\n');
    terminal.send({ type: 'signal', signal: 'SIGTERM' });
    expect(await terminal.closed).toMatchObject({ code: 1000 });
    expect(terminal.received().at(-1)).toMatchObject({ type: 'end', exit_code: 143, signal: 'SIGTERM' });
  });

  it('goes on at another replica, behind the bytes that were received', async () => {
    const first = open();
    const { process_id: id } = await started(first);
    type(first, 'printf "%s-%s\\n" one mark\n');
    await untilText(first, 'one-mark\r\n');
    first.socket.terminate();
    await first.closed;
    const cursor = first.bytes().length;

    const second = open(`?process=${String(id)}&cursor=${cursor}`, await startFacadeOf(daemon));
    expect(await started(second)).toMatchObject({ process_id: id, cursor });
    type(second, 'printf "%s-%s\\n" two mark\n');
    await untilText(second, 'two-mark\r\n');
    expect(second.bytes().toString()).not.toContain('one-mark');

    const whole = open(`?process=${String(id)}`);
    await untilText(whole, 'two-mark\r\n');
    const length = cursor + second.bytes().length;
    expect(whole.bytes().subarray(0, length)).toEqual(Buffer.concat([first.bytes(), second.bytes()]));
  });

  it('may be shared: several type into it, and all see all', async () => {
    const ann = open();
    const { process_id: id } = await started(ann);
    const bob = open(`?process=${String(id)}`);
    await started(bob);
    type(ann, 'echo from-a""nn\n');
    await untilText(bob, 'from-ann\r\n');
    type(bob, 'echo from-b""ob\n');
    await untilText(ann, 'from-bob\r\n');
  });

  it('carries any bytes, in order and each once', async () => {
    const terminal = open();
    await started(terminal);
    type(terminal, 'stty raw -echo; echo rea""dy; head -c 300000 | sha256sum; stty sane\n');
    await untilText(terminal, 'ready\n');
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * 7) % 256));
    for (let at = 0; at < bytes.length; at += 4096) terminal.send(bytes.subarray(at, at + 4096));
    await untilText(terminal, createHash('sha256').update(bytes).digest('hex'));
  });

  it('ends with 1012 when the server stops: the shell is still there', async () => {
    const terminal = open();
    const { process_id: id } = await started(terminal);
    const stopped = facade.stop();
    expect(await terminal.closed).toEqual({ code: 1012, reason: expect.stringContaining('attach again') });
    await stopped;
    const again = open(`?process=${String(id)}`, await startFacadeOf(daemon));
    expect(await started(again)).toMatchObject({ running: true });
  });

  it('ends with 4503 and a problem when the daemon dies', async () => {
    const killed = await startDaemonProcess({ key: FACADE_PUBLIC_KEY, podUid: POD_UID });
    const terminal = open('', await startFacadeOf(killed));
    await started(terminal);
    await killed.kill();
    expect(await terminal.closed).toMatchObject({ code: 4503 });
    expect(terminal.received().at(-1)).toMatchObject({ type: 'problem', status: 503 });
  });

  it('ends with 4404 where there is no such process', async () => {
    const terminal = open('?process=none');
    expect(await terminal.closed).toEqual({ code: 4404, reason: 'There is no process none' });
    expect(terminal.received()).toMatchObject([{ type: 'problem', status: 404 }]);
  });

  it.each([
    ['no JSON', 'hello', 4400],
    ['no control message', '{"type":"dance"}', 4422],
    ['a size of nothing', '{"type":"resize","cols":0,"rows":1}', 4422],
    ['a signal that there is not', '{"type":"signal","signal":"SIGNOTHING"}', 4422],
  ])('ends for a text message that is %s', async (_what, text, code) => {
    const terminal = open();
    await started(terminal);
    terminal.socket.send(text);
    expect(await terminal.closed).toMatchObject({ code });
    expect(messages(terminal.received(), 'problem')).toHaveLength(1);
  });

  it('is closed when the client says nothing any more, not even to pings', async () => {
    const clock = makeVirtualClock();
    const terminal = openSocket((await startFacadeOf(daemon, {}, { clock })).url, PATH, { autoPong: false });
    await started(terminal);
    await terminal.until('quiet', () => terminal.bytes().length > 0);
    const later = async (): Promise<'open'> => {
      await clock.advance(20_000);
      return 'open';
    };
    let end: Awaited<typeof terminal.closed> | 'open' = 'open';
    // What the shell still writes puts off a ping, and it writes in its own time.
    while (end === 'open') end = await Promise.race([terminal.closed, later()]);
    expect(end).toMatchObject({ code: 1006 });
  });

  it('is kept while the client answers pings', async () => {
    const clock = makeVirtualClock();
    const terminal = openSocket((await startFacadeOf(daemon, {}, { clock })).url, PATH);
    await started(terminal);
    for (let n = 0; n < 6; n++) {
      const pinged = new Promise((resolve) => terminal.socket.once('ping', resolve));
      await clock.advance(20_000);
      await pinged;
      // Its pong has arrived when the server has answered the next message.
      type(terminal, `echo n${n}""n\n`);
      await untilText(terminal, `n${n}n\r\n`);
    }
    terminal.socket.terminate();
    await terminal.closed;
  });
});

describe('who may open a terminal', () => {
  const encoded = (key: string): string => `matrx.key.${Buffer.from(key).toString('base64url')}`;

  it('is who has the key, in a header or among the subprotocols', async () => {
    const terminal = openSocket(facade.url, PATH, { headers: {}, protocols: ['matrx.v1', encoded(API_KEY)] });
    await started(terminal);
    expect(terminal.socket.protocol).toBe('matrx.v1');
  });

  it.each([
    ['no key', {}, 401],
    ['a wrong key', { headers: { 'X-API-Key': 'wrong' } }, 403],
    ['a wrong key among the subprotocols', { protocols: ['matrx.v1', encoded('wrong')] }, 403],
    ['subprotocols without a key', { protocols: ['matrx.v1'] }, 401],
  ])('is nobody with %s: %j gets %i', async (_what, options, status) => {
    expect(await refusalOf(facade.url, PATH, { headers: {}, ...options })).toMatchObject({ status });
  });

  it('is no page of another site, unless it is allowed', async () => {
    expect(await refusalOf(facade.url, PATH, { origin: 'https://evil.example' })).toMatchObject({
      status: 403,
      body: { detail: expect.stringContaining('MATRX_ALLOWED_ORIGINS') },
    });
    await started(openSocket(facade.url, PATH, { origin: facade.url }));
    const other = await startFacadeOf(daemon, { allowedOrigins: ['https://app.example'] });
    await started(openSocket(other.url, PATH, { origin: 'https://app.example' }));
  });

  it.each([
    ['/sandboxes/none/terminal', 404],
    [`${PATH}?cols=0`, 422],
    [`${PATH}?rows=many`, 422],
    [`${PATH}?cursor=-1`, 422],
  ])('hears of %s by an ordinary answer: %i', async (path, status) => {
    expect(await refusalOf(facade.url, path)).toMatchObject({ status });
  });

  it('hears that the image has no sandboxd', async () => {
    const terminal = open('', await startFacadeOf({ port: 1 }));
    expect(await terminal.closed).toMatchObject({ code: 4503, reason: expect.stringContaining('no sandboxd') });
  });
});

describe('the page of a terminal', () => {
  it('is open to everyone, the same for every sandbox, and brings all it needs', async () => {
    const page = await fetch(`${facade.url}/sandboxes/whatever/terminal`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const html = await page.text();
    expect(html).not.toContain('whatever');
    const references = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '');
    expect(references.length).toBeGreaterThan(2);
    for (const path of [...references, '../../assets/terminal/xterm.mjs']) {
      const file = await fetch(new URL(path, `${facade.url}/sandboxes/whatever/terminal`));
      expect({ path, status: file.status }).toEqual({ path, status: 200 });
      expect((await file.text()).length).toBeGreaterThan(100);
    }
  });

  it.each(['none.js', '..%2f..%2fpackage.json', 'terminal.html%00'])('has no file %s', async (name) => {
    expect((await fetch(`${facade.url}/assets/terminal/${name}`, { headers: { 'X-API-Key': API_KEY } })).status).toBe(
      404,
    );
  });
});
