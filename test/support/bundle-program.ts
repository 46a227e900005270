import { build } from 'esbuild';

/**
 * `bundle-program.ts <program> <folder>`: the program and all that it imports as `<folder>/main.js`, with a chunk for each
 * part that is only loaded when it is needed.
 */
const [program = '', folder = ''] = process.argv.slice(2);
await build({
  entryPoints: { main: program },
  outdir: folder,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  logLevel: 'warning',
  // Packages that are CommonJS inside call require at run time, and ask for their folder: an ESM file has neither.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url), __dirname = import.meta.dirname;",
  },
  external: ['cpu-features', '*.node'],
});
