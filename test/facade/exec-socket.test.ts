import { beforeEach, describe, expect, it } from '@jest/globals';
import { startDaemonFacade, startFacadeOf, type DaemonFacade } from './support/daemon-facade.ts';
import type { TestFacade } from './support/facade.ts';
import { openSocket, refusalOf, type TestSocket } from './support/socket.ts';

let facade: TestFacade;
let daemon: DaemonFacade['daemon'];

beforeEach(async () => {
  ({ facade, daemon } = await startDaemonFacade());
});

const PATH = '/sandboxes/demo/exec';
type Message = Readonly<Record<string, unknown>>;
const open = async (first: object, on: TestFacade = facade): Promise<TestSocket> => {
  const socket = openSocket(on.url, PATH);
  await new Promise((resolve) => socket.socket.once('open', resolve));
  socket.send(first);
  return socket;
};
const messages = (socket: TestSocket): readonly Message[] => socket.received() as readonly Message[];
const textOf = (socket: TestSocket, type: string): string =>
  messages(socket)
    .filter((message) => message['type'] === type)
    .map((message) => message['data'])
    .join('');
const untilStarted = async (socket: TestSocket): Promise<Message> => {
  await socket.until('start', (received) => received.length > 0);
  return messages(socket)[0] as Message;
};

describe('GET /sandboxes/{id}/exec with Upgrade', () => {
  it('runs the command of the first message and tells of it as the event stream does', async () => {
    const socket = await open({ type: 'start', command: 'printf out; printf err >&2; exit 3' });
    expect(await socket.closed).toEqual({ code: 1000, reason: 'ended' });
    expect(messages(socket)[0]).toMatchObject({ type: 'start', cursor: '0', input_offset: 0, running: true });
    expect([textOf(socket, 'stdout'), textOf(socket, 'stderr')]).toEqual(['out', 'err']);
    expect(messages(socket).at(-1)).toMatchObject({ type: 'end', cursor: '6', exit_code: 3 });
  });

  it('takes binary messages as input, and its end', async () => {
    const socket = await open({ type: 'start', command: 'cat; echo end', stdin: true });
    socket.send(Buffer.from('one '));
    socket.send(Buffer.from('two '));
    socket.send({ type: 'close_input' });
    expect(await socket.closed).toMatchObject({ code: 1000 });
    expect(textOf(socket, 'stdout')).toBe('one two end\n');
  });

  it('takes much input no faster than the command reads it', async () => {
    const socket = await open({ type: 'start', command: 'sleep 0.3; wc -c', stdin: true });
    const piece = Buffer.alloc(65_536, 'x');
    for (let n = 0; n < 160; n++) socket.send(piece);
    socket.send({ type: 'close_input' });
    expect(await socket.closed).toMatchObject({ code: 1000 });
    expect(textOf(socket, 'stdout').trim()).toBe(String(160 * 65_536));
  });

  it('takes signals', async () => {
    const socket = await open({ type: 'start', command: 'echo on; sleep 60' });
    await socket.until('output', () => textOf(socket, 'stdout') === 'on\n');
    socket.send({ type: 'signal', signal: 'SIGTERM' });
    await socket.closed;
    expect(messages(socket).at(-1)).toMatchObject({ type: 'end', exit_code: 143, signal: 'SIGTERM' });
  });

  it('goes on at another replica: output behind the cursor, input from where it has arrived', async () => {
    const first = await open({ type: 'start', command: 'while read -r line; do echo "got $line"; done', stdin: true });
    const { process_id: id } = await untilStarted(first);
    first.send(Buffer.from('a\n'));
    await first.until('output', () => textOf(first, 'stdout') === 'got a\n');
    first.socket.terminate();
    await first.closed;
    const cursor = messages(first).at(-1)?.['cursor'];

    const second = await open({ type: 'attach', process_id: id, cursor }, await startFacadeOf(daemon));
    expect(await untilStarted(second)).toMatchObject({ process_id: id, input_offset: 2 });
    second.send(Buffer.from('b\n'));
    second.send({ type: 'close_input' });
    expect(await second.closed).toMatchObject({ code: 1000 });
    expect(textOf(second, 'stdout')).toBe('got b\n');
  });

  it.each([
    ['no JSON', 'hello', 4400],
    ['no start', '{"type":"go"}', 4422],
    ['a start without a command', '{"type":"start"}', 4422],
    ['a field that there is not', '{"type":"start","command":"ls","shell":"zsh"}', 4422],
  ])('ends for a first message that is %s', async (_what, text, code) => {
    const socket = openSocket(facade.url, PATH);
    await new Promise((resolve) => socket.socket.once('open', resolve));
    socket.socket.send(text);
    expect(await socket.closed).toMatchObject({ code });
    expect(messages(socket)).toMatchObject([{ type: 'problem' }]);
  });

  it.each([
    [{ type: 'start', command: 'ls', cwd: '/no/such' }, 4400],
    [{ type: 'start', command: 'x'.repeat(10_001) }, 4400],
    [{ type: 'attach', process_id: 'none' }, 4404],
  ])('ends where nothing comes of the first message', async (first, code) => {
    const socket = await open(first);
    expect(await socket.closed).toMatchObject({ code });
  });

  it('says, and goes on, where the process does not take what it is sent', async () => {
    const socket = await open({ type: 'start', command: 'until [ -e go ]; do sleep 0.02; done; echo done' });
    await untilStarted(socket);
    socket.send(Buffer.from('nobody reads this'));
    await socket.until('a problem', (received) => received.some((one) => (one as Message)['type'] === 'problem'));
    await facade.request(PATH, { body: { command: 'touch go', session: 'other' } });
    expect(await socket.closed).toMatchObject({ code: 1000 });
    expect(textOf(socket, 'stdout')).toBe('done\n');
  });

  it('needs no more than one message at once: a larger one ends it', async () => {
    const socket = await open({ type: 'start', command: 'cat > /dev/null', stdin: true });
    await untilStarted(socket);
    socket.send(Buffer.alloc(2 << 20));
    expect(await socket.closed).toMatchObject({ code: 1009 });
  });

  it('leaves the log without a word of the command', async () => {
    const socket = await open({ type: 'start', command: 'echo hunter2' });
    await socket.closed;
    expect(JSON.stringify(facade.logged())).not.toContain('hunter2');
  });

  it('is refused to who may not, by an ordinary answer', async () => {
    expect(await refusalOf(facade.url, PATH, { headers: {} })).toMatchObject({ status: 401 });
    expect(await refusalOf(facade.url, '/sandboxes/none/exec')).toMatchObject({ status: 404 });
  });
});
