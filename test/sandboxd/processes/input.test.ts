import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { makeProcessInput } from '../../../src/sandboxd/processes/process-input.ts';
import { startDaemon } from '../support/daemon.ts';
import { processClient, type ProcessClient, until } from '../support/processes.ts';

const send = ({ processes, target, signal }: ProcessClient, id: string, offset: number, bytes: Buffer | string) =>
  processes.input(target, id, { offset, stream: Readable.from([Buffer.from(bytes)]) }, signal);

describe('the input of a process', () => {
  test('is a stream of bytes that ends when it is closed', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({ argv: ['cat'], stdin: true });
    expect(await send(client, id, 0, 'one ')).toBe(4);
    expect(await send(client, id, 4, 'two')).toBe(7);
    await client.processes.closeInput(client.target, id, client.signal);
    await client.processes.closeInput(client.target, id, client.signal);
    expect(await client.read(id)).toMatchObject({ stdout: 'one two', end: { exitCode: 0 } });
  });

  test('takes once what is sent twice, and refuses what would leave a hole', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({ argv: ['cat'], stdin: true });
    expect(await send(client, id, 0, 'abcd')).toBe(4);
    expect(await send(client, id, 0, 'abcd')).toBe(4);
    expect(await send(client, id, 2, 'cdef')).toBe(6);
    await expect(send(client, id, 7, 'h')).rejects.toMatchObject({
      code: 'out_of_range',
      message: 'the input goes on at byte 6; these begin at byte 7',
    });
    await client.processes.closeInput(client.target, id, client.signal);
    expect((await client.read(id)).stdout).toBe('abcdef');
  });

  test('whatever connections broke in the middle of it, arrives once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.array(fc.tuple(fc.nat(200), fc.nat(60)), { maxLength: 30 }),
        async (all, attempts) => {
          const whole = Buffer.from(all);
          const written: Buffer[] = [];
          const input = makeProcessInput({
            write: async (bytes) => {
              await Promise.resolve();
              written.push(bytes);
            },
            end: async () => undefined,
          });
          const { signal } = new AbortController();
          // Attempts overlap, as connections do that nobody knows to be dead yet.
          await Promise.allSettled(
            attempts.map(([from, length]) => input.take(from, whole.subarray(from, from + length), signal)),
          );
          await input.take(0, whole, signal);
          expect(Buffer.concat(written).equals(whole)).toBe(true);
          expect(input.taken()).toBe(whole.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('of 30 MB goes through a process that reads late, no faster than it reads', async () => {
    const client = processClient(await startDaemon());
    const bytes = randomBytes(1 << 20);
    const { id } = await client.start({
      shell: 'while [ ! -e go ]; do sleep 0.01; done; sha256sum',
      stdin: true,
    });
    let given = 0;
    const stream = Readable.from(
      (function* () {
        for (; given < 30; given++) yield bytes;
      })(),
      { highWaterMark: 1 },
    );
    const sent = client.processes.input(client.target, id, { offset: 0, stream }, client.signal);
    await client.run({ shell: 'sleep 0.3' });
    expect(given).toBeLessThan(30);
    await client.run({ shell: 'touch go' });
    expect(await sent).toBe(30 << 20);
    await client.processes.closeInput(client.target, id, client.signal);
    const hash = createHash('sha256');
    for (let n = 0; n < 30; n++) hash.update(bytes);
    expect((await client.read(id)).stdout.slice(0, 64)).toBe(hash.digest('hex'));
  });

  test('goes on by offset after its connection was cut in the middle', async () => {
    const daemon = await startDaemon();
    const client = processClient(daemon);
    const { id } = await client.start({ argv: ['cat'], stdin: true });
    const cut = request(`${daemon.url}/matrx/processes/${id}/input?offset=0`, {
      method: 'POST',
      headers: { authorization: `Bearer ${daemon.token}` },
    });
    cut.on('error', () => undefined);
    cut.write('hello, ');
    await until(
      () => client.processes.get(client.target, id, client.signal),
      ({ outputBytes }) => outputBytes === 7,
    );
    cut.destroy();
    expect(await send(client, id, 0, 'hello, world')).toBe(12);
    await client.processes.closeInput(client.target, id, client.signal);
    expect((await client.read(id)).stdout).toBe('hello, world');
  });

  test('is /dev/null unless it was asked for', async () => {
    const client = processClient(await startDaemon());
    expect((await client.run({ shell: 'cat; readlink /proc/self/fd/0' })).stdout).toBe('/dev/null\n');
    const { id } = await client.start({ shell: 'sleep 600' });
    await expect(send(client, id, 0, 'x')).rejects.toMatchObject({ code: 'failed_precondition' });
    await client.processes.closeInput(client.target, id, client.signal);
    await client.processes.remove(client.target, id, client.signal);
  });

  test('that nobody reads any more is refused', async () => {
    const client = processClient(await startDaemon());
    const { id } = await client.start({ shell: 'exec <&-; echo closed; sleep 600', stdin: true });
    await until(
      () => client.processes.get(client.target, id, client.signal),
      ({ outputBytes }) => outputBytes === 7,
    );
    await expect(send(client, id, 0, 'x')).rejects.toMatchObject({ code: 'failed_precondition' });
    await client.processes.remove(client.target, id, client.signal);
    const ended = await client.run({ shell: 'true', stdin: true });
    await expect(send(client, ended.info.id, 0, 'x')).rejects.toMatchObject({ code: 'failed_precondition' });
  });
});
