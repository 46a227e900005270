import { createHash } from 'node:crypto';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/local/command.ts';

const CACHE = join(import.meta.dirname, '../node_modules/.cache');

/** The folder of programs of a Python environment with what the file of requirements names, made once. */
export const pythonPrograms = async (requirements: string): Promise<string> => {
  const version = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const venv = join(CACHE, `python-${version}`);
  const complete = join(venv, 'complete');
  const isThere = await access(complete).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    await run(['python3', '-m', 'venv', '--clear', venv]);
    await run([join(venv, 'bin/pip'), 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
    await writeFile(complete, '');
  }
  return join(venv, 'bin');
};
