import { copyFile, cp, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run, type CommandOptions } from './command.ts';

/** A text that stands once in a file, and what stands there instead. */
export interface GoEdit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** What is different in a module that a program is built from. */
export interface GoChanges {
  readonly module: string;
  /** Files that are new in it: `<folder of the program>/changes/<name>.txt`, as Go would take them for its own. */
  readonly added: readonly string[];
  readonly edits: readonly GoEdit[];
}

const addedFile = (folder: string, name: string): string => join(folder, 'changes', `${name}.txt`);

/** All that the changes consist of. */
export const changesText = async (folder: string, changes: GoChanges): Promise<string> => {
  const added = await Promise.all(changes.added.map((name) => readFile(addedFile(folder, name), 'utf8')));
  return JSON.stringify([changes, added]);
};

/**
 * A copy of the module, changed, below `staging`; go.sum has been held against the original by then, which `go mod
 * download` does. Resolves with the flags that make Go build from the copy. (An overlay would be shorter, but Go takes none
 * for modules of its cache.) Throws where a text is not found once: the module is another version.
 */
export const changeModule = async (
  folder: string,
  changes: GoChanges,
  staging: string,
  options: CommandOptions,
): Promise<readonly string[]> => {
  const here = { ...options, cwd: folder };
  await run(['go', 'mod', 'download', changes.module], here);
  const original = (await run(['go', 'list', '-m', '-f', '{{.Dir}}', changes.module], here)).trim();
  const copy = resolve(staging, 'module');
  await cp(original, copy, { recursive: true });
  // The cache's files are for nobody to write to, and the copies are as they are.
  await run(['chmod', '-R', 'u+w', copy], options);
  for (const { file, from, to } of changes.edits) {
    const text = await readFile(join(copy, file), 'utf8');
    if (text.split(from).length !== 2)
      throw new Error(`${changes.module} does not have ${JSON.stringify(from)} once in ${file}`);
    await writeFile(join(copy, file), text.replace(from, to));
  }
  for (const name of changes.added) await copyFile(addedFile(folder, name), join(copy, name));
  const modfile = resolve(staging, 'go.mod');
  await writeFile(modfile, `${await readFile(join(folder, 'go.mod'), 'utf8')}\nreplace ${changes.module} => ${copy}\n`);
  await copyFile(join(folder, 'go.sum'), resolve(staging, 'go.sum'));
  return [`-modfile=${modfile}`];
};
