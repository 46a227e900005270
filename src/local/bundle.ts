import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contextHash } from '../docker/context.ts';
import { run } from './command.ts';
import { folderFiles } from './image-plans.ts';
import type { Local } from './local.ts';
import type { StepContext } from './step.ts';

/** In dist/, which build.ts replaces: it is there only beside what was made from just these sources. */
export const MADE_FROM = '.made-from';

/** Beside src/: what a bundle is made by. The installed packages are those of the lockfile in node_modules. */
const MADE_BY = [
  'build.ts',
  'build-sandboxd.ts',
  'package.json',
  'tsconfig.json',
  'node_modules/.package-lock.json',
] as const;

/** Bundles the program and the sandboxes' daemon, unless they lie there from these very sources. Resolves with whether it did. */
export const bundle = async (
  { project, env }: Pick<Local, 'project' | 'env'>,
  context: Pick<StepContext, 'report' | 'log'>,
): Promise<boolean> => {
  const stamp = join(project, 'dist', MADE_FROM);
  const sources = await sourcesHash(project);
  const daemon = await folderFiles(join(project, 'dist-sandboxd'), '');
  if (daemon.length > 0 && (await readFile(stamp, 'utf8').catch(() => undefined)) === sources) return false;
  context.report('bundling the program');
  await run([process.execPath, join(project, 'build.ts')], { cwd: project, env, log: context.log });
  // Sources that were changed meanwhile may be in it, or not.
  if ((await sourcesHash(project)) === sources) await writeFile(stamp, sources);
  return true;
};

const sourcesHash = async (project: string): Promise<string> =>
  contextHash([
    ...(await folderFiles(join(project, 'src'), 'src/')),
    ...MADE_BY.map((name) => ({ name, source: { path: join(project, name) } })),
    { name: '(node)', source: { text: process.version } },
  ]);
