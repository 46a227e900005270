import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * The bundle of the daemon in a sandbox: one file, and the native part of its terminals. As CommonJS it takes 10 MB less
 * memory than as ESM. `folder` is replaced.
 */
export const buildSandboxd = async (folder: string): Promise<void> => {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await build({
    absWorkingDir: import.meta.dirname,
    entryPoints: ['src/sandboxd/main.ts'],
    outdir: folder,
    bundle: true,
    minifySyntax: true,
    minifyWhitespace: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    logLevel: 'warning',
    define: { 'import.meta.url': '__url' },
    banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
  });
  await writeFile(join(folder, 'package.json'), '{ "type": "commonjs" }\n');
  const resolveFrom = (url: string, name: string): string => createRequire(url).resolve(name);
  const pty = resolveFrom(import.meta.url, '@lydell/node-pty');
  await cp(resolveFrom(pty, `@lydell/node-pty-${platform()}-${arch()}/pty.node`), join(folder, 'pty.node'));
};
