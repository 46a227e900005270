import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const MEBIBYTE = 1024 * 1024;
/** More than one blob, so that a commit sends some requests at once and some one after another. */
const LARGE_BYTES = 17 * MEBIBYTE;

/** A home with something of every kind that a commit treats in its own way. */
export const makeHome = async (home: string): Promise<void> => {
  await mkdir(join(home, 'project', 'src'), { recursive: true });
  await mkdir(join(home, 'empty'));
  await writeFile(join(home, 'large.bin'), randomBytes(LARGE_BYTES));
  await symlink('project/src', join(home, 'shortcut'));
  await changeHome(home, 0);
};

/** The next generation: files written, replaced, renamed, removed, a mode changed, a piece of the large file replaced. */
export const changeHome = async (home: string, generation: number): Promise<void> => {
  const source = join(home, 'project', 'src');
  for (let file = 0; file < 10; file += 1) {
    await writeFile(join(source, `file-${file}`), `generation ${generation} of file ${file}\n`.repeat(50));
  }
  await writeFile(join(home, 'project', `only-in-${generation}`), randomBytes(4096));
  await rm(join(home, 'project', `only-in-${generation - 1}`), { force: true });
  await writeFile(join(home, `moved-${generation}`), `generation ${generation}\n`);
  await rename(join(home, `moved-${generation}`), join(home, 'project', 'moved'));
  await chmod(join(source, 'file-0'), generation % 2 === 0 ? 0o755 : 0o640);
  const large = await open(join(home, 'large.bin'), 'r+');
  await large.write(randomBytes(MEBIBYTE), 0, MEBIBYTE, (generation % 17) * MEBIBYTE);
  await large.close();
};
