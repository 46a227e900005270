import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { DaemonError } from '../protocol/problem.ts';
import { type BytePath, toFs, toText } from './byte-path.ts';
import { about } from './fs-error.ts';

/**
 * Opens a file for reading, never waiting for anybody (a FIFO's open waits for its writer), and nothing but a regular
 * one: what is read from a device never ends.
 */
export const openForReading = (path: BytePath): Promise<FileHandle> =>
  about(path, async () => {
    const handle = await open(toFs(path), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (stats.isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
      if (!stats.isFile()) {
        throw new DaemonError(
          'failed_precondition',
          `${toText(path)}: it is no regular file`,
          undefined,
          'not_regular',
        );
      }
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  });

const CHUNK_BYTES = 256 * 1024;

/**
 * Sends `length` bytes from `from` on, as fast as the client reads. Two buffers take turns, one being filled while the
 * other is sent, so a file of any size costs the same memory and leaves no garbage. Rejects where the file has become
 * shorter, and when `signal` aborts; what was announced has then not all been sent.
 */
export const sendBytes = async (
  handle: FileHandle,
  response: ServerResponse,
  { from, length }: { readonly from: number; readonly length: number },
  signal: AbortSignal,
): Promise<void> => {
  const gone = Promise.withResolvers<never>();
  const onAbort = (): void => gone.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  // Nobody may be waiting when it happens.
  gone.promise.catch(() => undefined);
  const size = Math.min(CHUNK_BYTES, length);
  const slots: { buffer?: Buffer; sent: Promise<void> }[] = [{ sent: Promise.resolve() }, { sent: Promise.resolve() }];
  try {
    for (let at = 0, turn = 0; at < length; turn++) {
      signal.throwIfAborted();
      const slot = slots[turn % 2] as (typeof slots)[number];
      await Promise.race([slot.sent, gone.promise]);
      // A small file never needs the second.
      const buffer = (slot.buffer ??= Buffer.allocUnsafeSlow(size));
      const { bytesRead } = await handle.read(buffer, 0, Math.min(size, length - at), from + at);
      if (bytesRead === 0) throw new Error('the file became shorter while it was read');
      slot.sent = write(response, buffer.subarray(0, bytesRead));
      slot.sent.catch(() => undefined);
      at += bytesRead;
    }
    await Promise.race([Promise.all(slots.map(({ sent }) => sent)), gone.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};

/** Resolves when the kernel has taken the bytes, and the buffer may be used again. */
const write = (response: ServerResponse, bytes: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    response.write(bytes, (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
