import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface SourceFile {
  /** From the project's root, with `/`: `src/facade/app.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly specifier: string;
  /** Gone at run time. */
  readonly typeOnly: boolean;
  /** `import('…')`: loaded only when that is reached. */
  readonly isDynamic: boolean;
}

/** Every TypeScript file below the folders, which are relative to `root`. */
export const readSources = (root: string, folders: readonly string[]): readonly SourceFile[] =>
  globSync(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: root },
  )
    .filter((path) => !path.includes('node_modules'))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

const STATIC = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*(?:'([^']+)'|([^)]*))/g;

/** Static, re-exporting and dynamic imports. A dynamic one of a computed name has the specifier `<computed>`. */
export const importsOf = ({ text }: SourceFile): readonly Import[] => {
  const code = withoutComments(text);
  const fixed = [...code.matchAll(STATIC)].map(([statement, type, specifier = '']) => ({
    specifier,
    typeOnly: type !== undefined || onlyInlineTypes(statement),
    isDynamic: false,
  }));
  const dynamic = [...code.matchAll(DYNAMIC)].map(([, specifier]) => ({
    specifier: specifier ?? '<computed>',
    typeOnly: false,
    isDynamic: true,
  }));
  return [...fixed, ...dynamic];
};

/** `import { type A, type B } from` is erased to an import for side effects, which here nobody means. */
const onlyInlineTypes = (statement: string): boolean => {
  const names = /^(?:import|export)\s+\{([^}]*)\}/.exec(statement)?.[1];
  return names !== undefined && names.split(',').every((name) => name.trim() === '' || /^type\s/.test(name.trim()));
};

/** Comments may show code. Strings that hold `//` lose their end, which no import does. */
export const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
