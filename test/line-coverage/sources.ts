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

/** The files that line coverage is taken of, below `root`, the project's folder. */
export const coveredSources = (root: string): readonly string[] =>
  globSync('src/**/*.ts', { cwd: root })
    .map((file) => join(root, file))
    .filter((file) => !isTypesOnly(readFileSync(file, 'utf8')));
