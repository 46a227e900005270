import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where a release is put together: nothing in it is committed. */
export const RELEASE = process.env['MATRX_RELEASE_DIR'] ?? join(import.meta.dirname, '../release');
const FILE = join(RELEASE, 'images.json');

/** The names of both images, as the engine or a registry knows them. */
export interface ReleaseImages {
  readonly product: string;
  readonly sandbox: string;
}

export const writeImages = async (images: ReleaseImages): Promise<void> => {
  await mkdir(RELEASE, { recursive: true });
  await writeFile(FILE, `${JSON.stringify(images, null, 2)}\n`);
};

/** Throws, with what to run first, where no images have been built or pushed. */
export const readImages = async (): Promise<ReleaseImages> => {
  const text = await readFile(FILE, 'utf8').catch(() => undefined);
  if (text === undefined) throw new Error(`${FILE} is not there: run \`make images\` or \`make push-images\` first`);
  return JSON.parse(text) as ReleaseImages;
};
