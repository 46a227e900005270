import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DaemonProcess, startDaemonProcess } from '../sandboxd/support/daemon-process.ts';
import { startProgram, type TestProgram } from '../support/program.ts';
import { bytesOf, eventsOf, type StreamEvent } from './support/event-stream.ts';
import { FACADE_KEY, FACADE_PUBLIC_KEY } from './support/facade.ts';

/** One port at several addresses of this machine, as pods have it. */
const ADDRESSES = ['127.0.1.1', '127.0.1.2', '127.0.1.3', '127.0.1.4'] as const;
const SANDBOXES = ADDRESSES.map((podIP, n) => ({ name: `sbx-${n}`, podIP, podUid: `pod-${n}` }));
const [LAST] = SANDBOXES.slice(-1).map(({ name }) => name);

let daemons: readonly DaemonProcess[];
let replicas: readonly [TestProgram, TestProgram];

const startReplica = (): Promise<TestProgram> =>
  startProgram(new URL('support/facade-program.ts', import.meta.url), {
    privateKey: FACADE_KEY.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    daemonPort: daemons[0]?.port,
    sandboxes: SANDBOXES,
  });

beforeEach(async () => {
  const [first, ...others] = SANDBOXES;
  const start = (sandbox: typeof first, port?: number): Promise<DaemonProcess> =>
    startDaemonProcess({
      key: FACADE_PUBLIC_KEY,
      host: sandbox?.podIP ?? '',
      podUid: sandbox?.podUid ?? '',
      ...(port === undefined ? {} : { port }),
    });
  const leader = await start(first);
  daemons = [leader, ...(await Promise.all(others.map((sandbox) => start(sandbox, leader.port))))];
  replicas = await Promise.all([startReplica(), startReplica()]);
});

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

const post = (replica: TestProgram, sandbox: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${replica.said}/sandboxes/${sandbox}/exec`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const run = async (replica: TestProgram, sandbox: string, command: string): Promise<string> => {
  const answer = await post(replica, sandbox, { command, timeout: 120 });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { stdout: string }).stdout;
};

/** A stream that is taken up at the other replica when its own one dies. */
const follow = async (
  sandbox: string,
  command: string,
  onStart: () => void = () => undefined,
): Promise<{ events: StreamEvent[]; resumed: boolean }> => {
  const events: StreamEvent[] = [];
  let resumed = false;
  const take = async (answer: Response): Promise<boolean> => {
    expect(answer.status).toBe(200);
    try {
      for await (const event of eventsOf(answer)) {
        if (!resumed || event.event !== 'start') events.push(event);
        if (event.event === 'stdout') onStart();
        if (event.event === 'end') return true;
      }
    } catch {
      // Its replica is dead.
    }
    return false;
  };
  let ended = await take(await post(replicas[0], sandbox, { command, timeout: 120 }, { Accept: 'text/event-stream' }));
  while (!ended) {
    resumed = true;
    const id = String(events[0]?.data['process_id']);
    ended = await take(
      await fetch(`${replicas[1].said}/sandboxes/${sandbox}/processes/${id}/output`, {
        headers: { 'Last-Event-ID': events.at(-1)?.id ?? '' },
      }),
    );
  }
  return { events, resumed };
};

/** Reads an answer at about 1 kB a second. */
const readSlowly = async (replica: TestProgram, sandbox: string): Promise<IncomingMessage> => {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = httpRequest(`${replica.said}/sandboxes/${sandbox}/exec`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    });
    sent.once('response', resolve);
    sent.once('error', reject);
    sent.end(JSON.stringify({ command: 'yes a slow reader | head -c 500000000', timeout: 600 }));
  });
  answer.on('error', () => undefined);
  const timer = setInterval(() => answer.read(100), 100);
  open.push(() => {
    clearInterval(timer);
    answer.destroy();
  });
  return answer;
};

const numbers = (count: number): string => `for n in $(seq 1 ${count}); do echo "line $n: €üß🚀"; done`;
const numbered = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, n) => `line ${n + 1}: €üß🚀\n`).join(''));

describe('two replicas and several sandboxes', () => {
  it('when a replica and a sandbox are killed under load, others go on, and no byte of a stream is lost or doubled [A1.10] [T1]', async () => {
    const healthy = SANDBOXES.slice(0, 3).map(({ name }) => name);
    await readSlowly(replicas[1], healthy[0] ?? '');
    const doomed = run(replicas[1], LAST ?? '', 'echo $$; sleep 300').catch((error: unknown) => error);

    // The deaths come in the middle.
    const slow = (n: number): string =>
      `${numbers(2000)}; until [ -e "$HOME/go" ]; do sleep 0.05; done; ${numbers(2000)}; echo stream ${n} done`;
    const begun: Promise<void>[] = [];
    const begin = (sandbox: string, n: number): ReturnType<typeof follow> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push(promise);
      return follow(sandbox, slow(n), resolve);
    };
    const streams = healthy.flatMap((sandbox, n) => [begin(sandbox, n), begin(sandbox, n)]);
    const execs = Array.from({ length: 40 }, (_, n) => run(replicas[1], healthy[n % 3] ?? '', `echo ${n}; sleep 0.2`));
    await Promise.all([...begun, ...execs.slice(0, 5)]);
    await replicas[0].kill();
    await daemons.at(-1)?.kill();
    await Promise.all(healthy.map((sandbox) => run(replicas[1], sandbox, 'touch "$HOME/go"')));

    expect(await Promise.all(execs)).toEqual(Array.from({ length: 40 }, (_, n) => String(n)));
    for (const [index, stream] of (await Promise.all(streams)).entries()) {
      const { events, resumed } = stream;
      expect(resumed).toBe(true);
      expect(events.map(({ event }) => event)).not.toContain('gap');
      expect(events.at(-1)).toMatchObject({ event: 'end', data: { exit_code: 0 } });
      const part = numbered(2000);
      const expected = Buffer.concat([part, part, Buffer.from(`stream ${Math.floor(index / 2)} done\n`)]);
      expect(sha256(bytesOf(events, 'stdout'))).toBe(sha256(expected));
    }
    expect(await doomed).toBeInstanceOf(Error);
    expect((await post(replicas[1], LAST ?? '', { command: 'true' })).status).toBe(503);
    expect(await run(replicas[1], healthy[0] ?? '', 'echo still here')).toBe('still here');
  });

  it('a large stream is taken up where its replica died, though its client had not read all that was sent', async () => {
    const { events, resumed } = await followAndKill(
      healthyName(),
      'seq 1 2000000; until [ -e "$HOME/go" ]; do sleep 0.05; done',
    );
    expect(resumed).toBe(true);
    const expected = Buffer.from(Array.from({ length: 2_000_000 }, (_, n) => `${n + 1}\n`).join(''));
    expect(events.map(({ event }) => event)).not.toContain('gap');
    expect(sha256(bytesOf(events, 'stdout'))).toBe(sha256(expected));
  });
});

const healthyName = (): string => SANDBOXES[0]?.name ?? '';

/** Kills the replica when the stream is in its middle. */
const followAndKill = async (sandbox: string, command: string): ReturnType<typeof follow> => {
  const begun = Promise.withResolvers<void>();
  const followed = follow(sandbox, command, begun.resolve);
  await begun.promise;
  await replicas[0].kill();
  await run(replicas[1], sandbox, 'touch "$HOME/go"');
  return followed;
};

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
