import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from '@jest/globals';

/** How a program is started that a test file starts dozens of times. */
export interface BundledProgram {
  /** What Node is called with, before the program's own arguments. */
  readonly args: readonly string[];
  /** To be added to its environment: where Node keeps what it has compiled of it. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A program as one bundle, made before the tests of a file and deleted after them. From the sources, every start would load
 * hundreds of files of theirs and of packages, and strip the types of many: several times the time and twice the work.
 */
export const bundled = (program: URL): BundledProgram => {
  const folder = mkdtempSync(join(tmpdir(), 'matrx-bundled-'));
  beforeAll(() => {
    // In a process of its own: a bundler within jest would see jest's modules.
    const bundler = fileURLToPath(new URL('./bundle-program.ts', import.meta.url));
    execFileSync(process.execPath, ['--no-warnings', bundler, fileURLToPath(program), folder], { stdio: 'inherit' });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    args: ['--no-warnings', join(folder, 'main.js')],
    env: { NODE_COMPILE_CACHE: join(folder, 'compiled') },
  };
};
