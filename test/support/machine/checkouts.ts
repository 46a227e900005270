import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand, succeed } from '../e2e/command.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** What is no part of a checkout's content. The bundles are copied: they say which sources they were made from. */
const LEFT_OUT = new Set(['.git', 'node_modules', 'release', 'coverage']);

/** A second copy of this checkout: `up` builds into its checkout, and another may be at work in this one. */
export const copyCheckout = async (folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(ROOT)) {
    if (!LEFT_OUT.has(name)) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  }
  await shareModules(folder);
};

/**
 * A checkout of the version before this one: of MATRX_UPGRADE_FROM, else of the commit before HEAD; where there is no
 * history (an archive, a clone of one commit) this version. Its program says that it is another, so that its image is
 * one even where nothing else has changed. Resolves with which it is, for a person.
 */
export const earlierCheckout = async (folder: string, signal: AbortSignal): Promise<string> => {
  const which = await checkOut(folder, signal);
  const main = join(folder, 'src/main.ts');
  await writeFile(main, `${await readFile(main, 'utf8')}\nexport const isEarlier = true;\n`);
  return which;
};

const checkOut = async (folder: string, signal: AbortSignal): Promise<string> => {
  const wanted = process.env.MATRX_UPGRADE_FROM;
  const git = async (...args: string[]): Promise<string> =>
    (await succeed('git', ['-C', ROOT, ...args], { deadlineMs: 60_000, signal })).stdout.toString().trim();
  let commit: string;
  try {
    commit = await git('rev-parse', '--verify', `${wanted ?? 'HEAD^'}^{commit}`);
  } catch (cause) {
    if (wanted !== undefined) throw new Error(`MATRX_UPGRADE_FROM: there is no commit ${wanted} here`, { cause });
    await copyCheckout(folder);
    return 'this one once more: no commit before it is here';
  }
  await mkdir(folder, { recursive: true });
  const archive = `${folder}.tar`;
  await git('archive', `--output=${archive}`, commit);
  await succeed('tar', ['-xf', archive, '-C', folder], { deadlineMs: 60_000, signal });
  const [before, now] = await Promise.all(
    [folder, ROOT].map((checkout) => readFile(join(checkout, 'package-lock.json'), 'utf8')),
  );
  if (before === now) await shareModules(folder);
  else await succeed('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, deadlineMs: 240_000, signal });
  return git('log', '-1', '--format=%h %s', commit);
};

/** Hard links where the folders are on one file system, so that bundles are the same as this checkout's. */
const shareModules = async (folder: string): Promise<void> => {
  const modules = join(ROOT, 'node_modules');
  const linked = await runCommand('cp', ['--archive', '--link', modules, folder], { deadlineMs: 60_000 });
  if (linked.exitCode !== 0) await succeed('cp', ['--archive', '--force', modules, folder], { deadlineMs: 120_000 });
};
