import { opendir } from 'node:fs/promises';
import { type BytePath, fromFs, toFs } from './byte-path.ts';
import { isTemporary } from './temporary-name.ts';

const READ_AHEAD = 256;

/** The names in a directory, in no order, a few at a time. */
export async function* readNames(directory: BytePath): AsyncGenerator<BytePath> {
  const entries = await opendir(toFs(directory), {
    // Node takes it and gives Buffers, which its types do not know.
    encoding: 'buffer' as BufferEncoding,
    bufferSize: READ_AHEAD,
  });
  for await (const { name } of entries) yield fromFs(name as unknown as Buffer);
}

/** Without files that are being uploaded. */
export async function* readVisibleNames(directory: BytePath): AsyncGenerator<BytePath> {
  for await (const name of readNames(directory)) if (!isTemporary(name)) yield name;
}
