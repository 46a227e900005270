import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { cursorAfter, type Frame } from '../../../src/sandboxd/protocol/frames.ts';
import { startDaemon } from '../support/daemon.ts';
import { startDaemonProgram } from '../support/daemon-program.ts';
import { outcome, processClient, type ProcessClient, until } from '../support/processes.ts';

/** Numbered lines: a byte that is missing or there twice shows. */
const LINES = 11_200_000;
const COUNT = `seq -w 1 ${LINES}`;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Reads frames from a cursor up to `enough` bytes, or the end; the hash goes over all of them. */
const readSome = async (
  frames: AsyncIterable<Frame>,
  hash: ReturnType<typeof createHash>,
  enough = Infinity,
): Promise<{ readonly cursor: number; readonly ended: boolean; readonly gaps: number }> => {
  let cursor = 0;
  let read = 0;
  let gaps = 0;
  for await (const frame of frames) {
    cursor = cursorAfter(frame);
    if (frame.type === 'end') return { cursor, ended: true, gaps };
    if (frame.type === 'gap') gaps += 1;
    if (frame.type !== 'stdout') continue;
    hash.update(frame.payload);
    read += frame.payload.length;
    if (read >= enough) break;
    await turn();
  }
  return { cursor, ended: false, gaps };
};

const expectedHash = async ({ run }: ProcessClient, command: string): Promise<string> =>
  (await run({ shell: `${command} | sha256sum` })).stdout.slice(0, 64);

describe('the output of a process', () => {
  test('of 100 MB comes whole through a slow reader, and neither it nor a reader that stops costs the daemon memory', async () => {
    const program = await startDaemonProgram();
    const client = processClient(program);
    const { processes, target, signal } = client;
    const before = program.memory('VmRSS');
    const frames = await processes.run(target, { id: 'big', shell: COUNT, keep: 'attached' }, signal);
    const hash = createHash('sha256');
    const first = await readSome(frames, hash, 1 << 20);
    const rest = await processes.output(target, 'big', { cursor: first.cursor, follow: true }, signal);
    // This reader takes nothing at first: the process stops.
    let same = 0;
    let last = -1;
    const stopped = await until(
      () => processes.get(target, 'big', signal),
      ({ outputBytes }) => {
        same = outputBytes === last ? same + 1 : 0;
        last = outputBytes;
        return same > 50;
      },
    );
    expect(stopped.outputBytes).toBeLessThan(10 << 20);
    const end = await readSome(rest, hash);
    expect(end).toMatchObject({ ended: true, gaps: 0 });
    expect(hash.digest('hex')).toBe(await expectedHash(client, COUNT));
    expect(program.memory('VmHWM') - before).toBeLessThan(40 << 20);
  }, 120_000);

  test('goes on by cursor, with no byte lost or doubled, after its reader was killed in the middle, again and again', async () => {
    const program = await startDaemonProgram();
    const client = processClient(program);
    const command = 'seq -w 1 2000000';
    const hash = createHash('sha256');
    const own = processClient(program);
    let { cursor, ended } = await readSome(
      await own.processes.run(own.target, { id: 'p', shell: command, keep: 'attached' }, own.signal),
      hash,
      100_000,
    );
    own.close();
    for (let enough = 1; !ended; enough = enough * 3 + 12_345) {
      const reader = processClient(program);
      const frames = await reader.processes.output(reader.target, 'p', { cursor, follow: true }, reader.signal);
      // A client's own sockets take in far more than is read here before they are closed.
      const part = await readSome(frames, hash, enough);
      expect(part.gaps).toBe(0);
      ({ cursor, ended } = part);
      reader.close();
    }
    expect(cursor).toBe(16_000_000);
    expect(hash.digest('hex')).toBe(await expectedHash(client, command));
  });

  test('comes to each of several readers, whole, though one of them is slow', async () => {
    const client = processClient(await startDaemon());
    const { processes, target, signal } = client;
    const command = 'seq -w 1 500000';
    const { id } = await client.start({ shell: command });
    const digests = await Promise.all(
      [0, 1, 2, 3].map(async () => {
        const hash = createHash('sha256');
        const frames = await processes.output(target, id, { cursor: 0, follow: true }, signal);
        expect(await readSome(frames, hash)).toMatchObject({ ended: true, gaps: 0 });
        return hash.digest('hex');
      }),
    );
    expect(new Set([...digests, await expectedHash(client, command)]).size).toBe(1);
  });

  test('of a process that has ended is still there, from any cursor', async () => {
    const { run, read, processes, target, signal } = processClient(await startDaemon());
    const { info } = await run({ shell: 'echo one; echo two >&2; exit 5' });
    for (const cursor of [0, 3, 4, 8]) {
      const again = await read(info.id, cursor);
      expect(again.stdout + again.stderr).toBe('one\ntwo\n'.slice(cursor));
      expect(again.end.exitCode).toBe(5);
    }
    await expect(read(info.id, 9)).rejects.toMatchObject({ code: 'out_of_range' });
    expect(await processes.get(target, info.id, signal)).toMatchObject({
      running: false,
      outputBytes: 8,
      outputFrom: 0,
    });
  });

  test('can be looked at without waiting for more', async () => {
    const { start, processes, target, signal } = processClient(await startDaemon());
    const { id } = await start({ shell: 'echo here; sleep 600' });
    await until(
      () => processes.get(target, id, signal),
      ({ outputBytes }) => outputBytes === 5,
    );
    const types: Frame['type'][] = [];
    for await (const frame of await processes.output(target, id, { cursor: 0, follow: false }, signal)) {
      types.push(frame.type);
    }
    expect(types).toEqual(['start', 'stdout']);
    await processes.remove(target, id, signal);
  });

  test('of a background process loses its oldest bytes, and says which', async () => {
    const { start, processes, target, signal } = processClient(await startDaemon());
    const { id } = await start({ shell: 'seq -w 1 2000000', keep: 'background' });
    const info = await until(
      () => processes.get(target, id, signal),
      ({ running }) => !running,
    );
    expect(info).toMatchObject({ outputBytes: 16_000_000 });
    expect(info.outputFrom).toBeGreaterThan(0);
    const frames: Frame[] = [];
    for await (const frame of await processes.output(target, id, { cursor: 8, follow: true }, signal))
      frames.push(frame);
    expect(frames.map(({ type }) => type).slice(0, 2)).toEqual(['start', 'gap']);
    expect(JSON.parse(String(frames[1]?.payload))).toEqual({ from: 8, to: info.outputFrom });
    const bytes = Buffer.concat(frames.filter(({ type }) => type === 'stdout').map(({ payload }) => payload));
    expect(bytes.length).toBe(16_000_000 - info.outputFrom);
    expect(bytes.subarray(-8).toString()).toBe('2000000\n');
  });

  test('that nobody comes back for is kept for a while, and then the process goes on without', async () => {
    const daemon = await startDaemon({ processes: { linger: { aloneMs: 1000, besideOthersMs: 100 } } });
    const { start, processes, target, signal } = processClient(daemon);
    const { id } = await start({ shell: 'seq -w 1 2000000', keep: 'attached' });
    const waiting = await until(
      () => processes.get(target, id, signal),
      ({ outputBytes }) => outputBytes > 900_000,
    );
    expect(waiting).toMatchObject({ running: true, outputFrom: 0 });
    const ended = await until(
      () => processes.get(target, id, signal),
      ({ running }) => !running,
    );
    expect(ended.outputBytes).toBe(16_000_000);
  });

  test('of a process that alternates between its streams with every byte keeps its order', async () => {
    const { run } = processClient(await startDaemon());
    const { stdout, stderr } = await run({
      argv: ['bash', '-c', 'for ((n = 0; n < 3000; n++)); do printf a; printf b >&2; done'],
    });
    expect(stdout).toBe('a'.repeat(3000));
    expect(stderr).toBe('b'.repeat(3000));
  });

  test('is bytes: nothing is decoded on the way', async () => {
    const { run } = processClient(await startDaemon());
    const { stdout } = await run({ shell: "printf '\\x00\\xff\\xc3\\x28\\r\\n'" });
    expect(Buffer.from(stdout, 'latin1').toString('hex')).toBe('00ffc3280d0a');
  });
});

describe('a reader that names itself', () => {
  test('must not have the name of another', async () => {
    const daemon = await startDaemon();
    const { start, processes, target, signal } = processClient(daemon);
    const { id } = await start({ shell: 'sleep 600' });
    const first = await daemon.fetch(`/matrx/processes/${id}/output?reader=r`);
    expect(first.status).toBe(200);
    expect((await daemon.fetch(`/matrx/processes/${id}/output?reader=r`)).status).toBe(409);
    expect((await daemon.fetch(`/matrx/processes/${id}/output?reader=R!`)).status).toBe(400);
    await first.body?.cancel();
    await processes.remove(target, id, signal);
  });

  test('is sent no more than a window ahead of what it has acknowledged', async () => {
    const daemon = await startDaemon();
    const { start, processes, target, signal } = processClient(daemon);
    const { id } = await start({ shell: 'seq -w 1 500000' });
    const answer = await daemon.fetch(`/matrx/processes/${id}/output?reader=r`);
    const stream = (answer.body as ReadableStream<Uint8Array>)[Symbol.asyncIterator]();
    let got = 0;
    while (got < 512 << 10) got += (await stream.next()).value?.length ?? 0;
    // All frames of the window, and nothing but their headers on top.
    expect(got).toBeLessThan(600 << 10);
    const acknowledge = (cursor: number) =>
      daemon.fetch(`/matrx/processes/${id}/output/acknowledge?reader=r&cursor=${cursor}`, { method: 'POST' });
    expect((await acknowledge(300_000)).status).toBe(204);
    while (got < (512 << 10) + 300_000) got += (await stream.next()).value?.length ?? 0;
    await stream.return?.();
    await until(
      () => acknowledge(1),
      ({ status }) => status === 404,
    );
    // What it had not acknowledged is still there.
    const { outputFrom } = await processes.get(target, id, signal);
    expect(outputFrom).toBeLessThanOrEqual(300_000);
    expect(await outcome(await processes.output(target, id, { cursor: 300_000, follow: true }, signal))).toMatchObject({
      end: { exitCode: 0 },
    });
  });
});
