import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';

/** One file of a build context: from the disk, or made up. */
export interface ContextFile {
  /** The path inside the context. */
  readonly name: string;
  readonly source: { readonly path: string } | { readonly text: string };
  readonly executable?: boolean;
}

const modeOf = (file: ContextFile): number => (file.executable === true ? 0o755 : 0o644);

/** A hash over names, modes and contents: equal exactly when the build would see the same files. Lower-case hex. */
export const contextHash = async (files: readonly ContextFile[]): Promise<string> => {
  const whole = createHash('sha256');
  for (const file of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const content = createHash('sha256');
    if ('text' in file.source) content.update(file.source.text);
    else await pipeline(createReadStream(file.source.path), content);
    whole.update(JSON.stringify([file.name, modeOf(file), content.digest('hex')]));
  }
  return whole.digest('hex');
};

/** The context as the tar stream that the engine takes; large files are streamed. Errors surface on the stream. */
export const contextTar = (files: readonly ContextFile[]): Readable => {
  const tar = pack();
  addAll(tar, files).then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error as Error),
  );
  return Readable.from(tar);
};

const addAll = async (tar: Pack, files: readonly ContextFile[]): Promise<void> => {
  for (const file of files) {
    const header = { name: file.name, mode: modeOf(file), mtime: new Date(0) };
    if ('text' in file.source) {
      tar.entry(header, file.source.text);
      continue;
    }
    const { size } = await stat(file.source.path);
    await pipeline(createReadStream(file.source.path), tar.entry({ ...header, size }));
  }
};
