// The bundle of the product image: src/main.ts and all it imports, as ESM in dist/. One chunk for each command, so that a
// process reads only the code it runs: with everything in one file each took some 60 MB more memory. And sandboxd, for
// the sandbox image, in dist-sandboxd/.
import { cp, glob, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { buildSandboxd } from './build-sandboxd.ts';

const root = import.meta.dirname;
const dist = join(root, 'dist');

/**
 * @kubernetes/client-node does not say that its modules have no side effects, so a bundler keeps all of its 700 models for the
 * kubeconfig loader that is used. Without them a process takes 10 MB less.
 */
const withoutUnusedModels: Plugin = {
  name: 'without-unused-models',
  setup: (bundler) => {
    const ours = Symbol('resolved here');
    bundler.onResolve({ filter: /./ }, async ({ path, pluginData, ...from }) => {
      const concerns =
        path.startsWith('@kubernetes/client-node') || from.importer.includes('/@kubernetes/client-node/');
      if (pluginData === ours || !concerns) return undefined;
      const resolved = await bundler.resolve(path, { ...from, pluginData: ours });
      return resolved.path.includes('/@kubernetes/client-node/') ? { ...resolved, sideEffects: false } : resolved;
    });
  },
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  // Identifiers stay, so that a stack trace can be read without a map: loading the map costs tens of megabytes.
  minifySyntax: true,
  minifyWhitespace: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  legalComments: 'linked',
  logLevel: 'warning',
  plugins: [withoutUnusedModels],
  // Packages that are CommonJS inside call require at run time, and ask for their folder: an ESM file has neither.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url), __dirname = import.meta.dirname;",
  },
  // Optional native accelerators of ssh2, which dockerode brings: it works without them.
  external: ['cpu-features', '*.node'],
});
// Files that are read at run time from beside the module that needs them: in the bundle, that is dist/.
const readAtRunTime = ['src/**/*.{proto,html,css,mjs}', 'node_modules/@xterm/xterm/{lib/xterm.mjs,css/xterm.css}'];
for await (const path of glob(readAtRunTime, { cwd: root })) await cp(join(root, path), join(dist, basename(path)));
await buildSandboxd(join(root, 'dist-sandboxd'));
