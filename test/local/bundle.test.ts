import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bundle } from '../../src/local/bundle.ts';

/** As build.ts does: it takes what was there away, and writes what it finds. */
const BUILD = `
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
const root = import.meta.dirname;
for (const folder of ['dist', 'dist-sandboxd']) {
  rmSync(root + '/' + folder, { recursive: true, force: true });
  mkdirSync(root + '/' + folder);
  writeFileSync(root + '/' + folder + '/main.js', readFileSync(root + '/src/main.ts'));
}
if (process.env.CHANGE === 'yes') appendFileSync(root + '/src/main.ts', '// edited');
`;

let project: string;
const put = async (name: string, content: string): Promise<void> => {
  await mkdir(dirname(join(project, name)), { recursive: true });
  await writeFile(join(project, name), content);
};
const bundled = (env: NodeJS.ProcessEnv = {}): Promise<boolean> =>
  bundle({ project, env }, { report: () => undefined, log: join(project, 'log') });

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), 'matrx-bundle-'));
  await put('build.ts', BUILD);
  for (const name of ['build-sandboxd.ts', 'tsconfig.json', 'node_modules/.package-lock.json']) await put(name, '');
  await put('package.json', '{ "type": "module" }');
  await put('src/main.ts', 'one');
});
afterEach(() => rm(project, { recursive: true }));

describe('the bundle of this checkout', () => {
  it('is made once from the same sources', async () => {
    expect(await bundled()).toBe(true);
    expect(await bundled()).toBe(false);
    expect(await readFile(join(project, 'dist/main.js'), 'utf8')).toBe('one');
  });

  it.each(['src/main.ts', 'src/new/part.ts', 'build.ts', 'tsconfig.json', 'node_modules/.package-lock.json'])(
    'is made again when %s is another',
    async (name) => {
      await bundled();
      await put(name, name === 'build.ts' ? `${BUILD}// another` : 'two');
      expect(await bundled()).toBe(true);
      expect(await bundled()).toBe(false);
    },
  );

  it('is made again where a part of it is gone, or somebody else has made it', async () => {
    for (const folder of ['dist', 'dist-sandboxd']) {
      await bundled();
      await rm(join(project, folder), { recursive: true });
      expect(await bundled()).toBe(true);
    }
    await rm(join(project, 'dist'), { recursive: true });
    await put('dist/main.js', 'by hand');
    expect(await bundled()).toBe(true);
  });

  it('is not kept where the sources were edited while it was made', async () => {
    expect(await bundled({ CHANGE: 'yes' })).toBe(true);
    expect(await bundled()).toBe(true);
    expect(await bundled()).toBe(false);
  });
});
