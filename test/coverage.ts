import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';

/**
 * Whether a module is nothing but types: no program ever loads it, so no test can cover its lines, and counting them
 * would say nothing of the tests.
 */
export const isTypesOnly = (source: string): boolean =>
  stripTypeScriptTypes(source)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/\bimport\s*\{[\s,]*\}\s*from\s*'[^']*';?/g, '')
    .trim() === '';

/** Jest's patterns of what line coverage is taken of. `root` is the project's folder. */
export const coveredSources = (root: string): readonly string[] => {
  const typesOnly = globSync('src/**/*.ts', { cwd: root }).filter((file) =>
    isTypesOnly(readFileSync(join(root, file), 'utf8')),
  );
  return ['src/**/*.ts', ...typesOnly.map((file) => `!${file}`)];
};
