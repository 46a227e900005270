import { Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** One of a child's outputs, which is read as it comes unless it is paused. */
export interface OutputSource {
  readonly ended: Promise<void>;
  readonly pause: () => void;
  readonly resume: () => void;
  /** Reads on, to nobody. */
  readonly drain: () => void;
  readonly destroy: () => void;
}

/** False: no more, until resume. */
type Take = (bytes: Uint8Array) => boolean;

const READ_BYTES = 64 << 10;
let shared: Buffer | undefined;

/** Of the reading end of a pipe, which it closes. */
export const pipeSource = (fd: number, take: Take): OutputSource => {
  // One array for all: whoever takes bytes copies them at once. An array for each read doubles the daemon's memory.
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES);
  const buffer = shared;
  let draining = false;
  // `readable` and `onread` together are what the constructor takes for an fd; the types know them of a connection only.
  const options = {
    fd,
    readable: true,
    writable: false,
    onread: { buffer, callback: (length: number) => draining || take(buffer.subarray(0, length)) },
  };
  return sourceOf(new Socket(options), () => {
    draining = true;
  });
};

/** Of any stream of buffers. */
export const streamSource = (stream: Readable & { readonly unref?: () => unknown }, take: Take): OutputSource => {
  let draining = false;
  stream.on('data', (bytes: Buffer) => {
    if (!draining && !take(bytes)) stream.pause();
  });
  return sourceOf(stream, () => {
    draining = true;
  });
};

const sourceOf = (stream: Readable & { readonly unref?: () => unknown }, stopTaking: () => void): OutputSource => {
  // A terminal whose last process has gone ends with EIO.
  stream.on('error', () => stream.destroy());
  const ended = new Promise<void>((resolve) => {
    stream.once('close', resolve);
  });
  stream.resume();
  return {
    ended,
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    drain: () => {
      stopTaking();
      stream.resume();
      stream.unref?.();
    },
    destroy: () => stream.destroy(),
  };
};
