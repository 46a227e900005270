import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { findProgram, run, type CommandOptions } from './command.ts';
import { changeModule, changesText, type GoChanges } from './go-changes.ts';

/** A program built from Go modules; its file in the cache carries a hash of all that it is made from. */
export interface GoProgram {
  readonly name: string;
  /** A folder with go.mod, go.sum and a main package, there or in `package` below it; or a module at a version. */
  readonly source:
    { readonly folder: string; readonly package?: string } | { readonly module: string; readonly version: string };
  readonly flags: readonly string[];
  /** What is different in one of its modules; only of a folder's program. */
  readonly changes?: GoChanges;
}

/** The programs are linked without debug information, so the compiler need not make any: a tenth of its work. */
export const COMPILER_FLAG = '-gcflags=all=-dwarf=false';
/**
 * The compiler collects its garbage when its heap has grown this many percent: with Go's own 100 it spends a quarter of
 * its work on that, and with this it takes half as much memory again (0.9 GB for the largest package).
 */
const COMPILER_GOGC = '800';

const MINIMAL_GO = [1, 21] as const;

/** "go version go1.26.8 linux/amd64" → [1, 26]; undefined for what is no release. */
export const parseGoVersion = (text: string): readonly [number, number] | undefined => {
  const match = /\bgo(\d+)\.(\d+)/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2])];
};

/** From 1.21 on the go command fetches the newer toolchain that a go.mod asks for by itself. */
export const isGoUsable = (version: readonly [number, number] | undefined): boolean =>
  version !== undefined &&
  (version[0] > MINIMAL_GO[0] || (version[0] === MINIMAL_GO[0] && version[1] >= MINIMAL_GO[1]));

/** The output of `go version`. Throws, with what to do, when there is no go or it is too old. */
export const goVersion = async (env: Readonly<NodeJS.ProcessEnv>): Promise<string> => {
  const go = await findProgram('go', env.PATH ?? '');
  const text = go === undefined ? 'none' : (await run([go, 'version'], { env })).trim();
  if (isGoUsable(parseGoVersion(text))) return text;
  throw new Error(`building the cluster needs Go ${MINIMAL_GO.join('.')} or newer on PATH, found: ${text}`);
};

const fingerprint = async (program: GoProgram, version: string): Promise<string> => {
  const hash = createHash('sha256').update(JSON.stringify([version, program.flags]));
  if ('folder' in program.source) {
    const { folder, package: inner = '' } = program.source;
    for (const file of ['go.mod', 'go.sum', join(inner, 'main.go')]) hash.update(await readFile(join(folder, file)));
    if (program.changes !== undefined) hash.update(await changesText(folder, program.changes));
  } else {
    hash.update(`${program.source.module}@${program.source.version}`);
  }
  return hash.digest('hex').slice(0, 16);
};

/**
 * Where the built program lies in the cache, and whether it is there already. The name changes with go.mod, go.sum,
 * the source, the flags and the Go version, so that a changed module is built again.
 */
export const locateGoProgram = async (
  program: GoProgram,
  cache: string,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<{ readonly path: string; readonly exists: boolean }> => {
  const path = join(cache, 'bin', `${program.name}-${await fingerprint(program, await goVersion(env))}`);
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  return { path, exists };
};

/** What Go is run with: what is compiled alike, by the same flags too, comes from its cache. */
export const goEnvironment = (env: Readonly<NodeJS.ProcessEnv>): NodeJS.ProcessEnv => ({
  ...env,
  CGO_ENABLED: '0',
  GOTOOLCHAIN: env.GOTOOLCHAIN ?? 'auto',
  GOGC: env.GOGC ?? COMPILER_GOGC,
});

/** Builds the program to `path`. The file appears there whole or not at all. */
export const buildGoProgram = async (
  program: GoProgram,
  path: string,
  options: { readonly env: Readonly<NodeJS.ProcessEnv> } & Pick<CommandOptions, 'log' | 'onLine' | 'signal'>,
): Promise<void> => {
  const { env, ...rest } = options;
  await mkdir(dirname(path), { recursive: true });
  // Two processes may build it at the same time: each in a folder of its own.
  const staging = await mkdtemp(`${path}.building-`);
  const goEnv = goEnvironment(env);
  const flags = [COMPILER_FLAG, ...program.flags];
  const { source } = program;
  if ('folder' in source) {
    const changed =
      program.changes === undefined
        ? []
        : await changeModule(source.folder, program.changes, staging, { ...rest, env: goEnv });
    await run(
      ['go', 'build', '-v', ...changed, ...flags, '-o', join(staging, program.name), `./${source.package ?? ''}`],
      {
        ...rest,
        cwd: source.folder,
        env: goEnv,
      },
    );
  } else {
    await run(['go', 'install', '-v', ...flags, `${source.module}@${source.version}`], {
      ...rest,
      env: { ...goEnv, GOBIN: staging },
    });
  }
  await rename(join(staging, program.name), path);
  await rm(staging, { recursive: true, force: true });
};

/** The path of the program, which is built where it is not in the cache yet. Throws where there is no Go, or no module proxy. */
export const ensureGoProgram = async (
  program: GoProgram,
  cache: string,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<string> => {
  const { path, exists } = await locateGoProgram(program, cache, env);
  if (!exists) await buildGoProgram(program, path, { env });
  return path;
};
