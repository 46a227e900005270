import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { changelogSection } from '../../scripts/changelog.ts';
import { goTool } from '../../scripts/go-tools.ts';
import { runCommand } from '../support/e2e/command.ts';
import { makeFakePrograms, runScript } from './fake-programs.ts';

const ROOT = join(import.meta.dirname, '../..');
const DIGEST = `sha256:${'1'.repeat(64)}`;
const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };

const archive = `matrx-sandbox-${version}.tar.gz`;

let folder: string;
beforeAll(async () => void (await goTool('kustomize')), 600_000);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-release-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (script: string, variables: Readonly<Record<string, string>>) => runScript(folder, [script], variables);
const writeImages = (product: string): Promise<void> =>
  writeFile(
    join(folder, 'images.json'),
    JSON.stringify({ product, sandbox: `ghcr.io/someone/matrx/sandbox@${DIGEST}` }),
  );

describe('the files of a release', () => {
  it('install the product with its images by digest, and are what SHA256SUMS says', async () => {
    await writeImages(`ghcr.io/someone/matrx/product@${DIGEST}`);
    await writeFile(join(folder, 'product.spdx.json'), '{}');
    expect(await run('release-files.ts', { TAG: `v${version}` })).toMatchObject({ exitCode: 0 });
    const install = parseAllDocuments(await readFile(join(folder, 'install.yaml'), 'utf8')).map(
      (one) => one.toJS() as object,
    );
    const text = JSON.stringify(install);
    const images = [...text.matchAll(/"image":"([^"]*)"/g)].map(([, image = '']) => image);
    expect(images.toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => `ghcr.io/someone/matrx/product@${DIGEST}`),
      `ghcr.io/someone/matrx/sandbox@${DIGEST}`,
    ]);
    const definitions = parseAllDocuments(await readFile(join(folder, 'crds.yaml'), 'utf8'));
    expect(definitions.map((one) => one.get('kind'))).toEqual(
      Array.from({ length: 3 }, () => 'CustomResourceDefinition'),
    );
    const sums = (await readFile(join(folder, 'SHA256SUMS'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => line.split('  '));
    expect(sums.map(([, name]) => name)).toEqual(['crds.yaml', 'install.yaml', archive, 'product.spdx.json']);
    for (const [hash, name = ''] of sums) {
      expect(
        createHash('sha256')
          .update(await readFile(join(folder, name)))
          .digest('hex'),
      ).toBe(hash);
    }
    const { stdout } = await runCommand('tar', ['-tzf', join(folder, archive)], { deadlineMs: 60_000 });
    const files = stdout.toString().split('\n');
    expect(files).toContain(`matrx-sandbox-${version}/crds/kustomization.yaml`);
    expect(files).toContain(`matrx-sandbox-${version}/manifests/overlays/aws-single-node/kustomization.yaml`);
    const notes = await readFile(join(folder, 'notes.md'), 'utf8');
    expect(notes).toContain(changelogSection(await readFile(join(ROOT, 'CHANGELOG.md'), 'utf8'), version));
  });

  it.each([
    ['another version than package.json’s', 'v99.0.0', `product@${DIGEST}`, 'but package.json says'],
    ['no version', 'latest', `product@${DIGEST}`, 'TAG is "latest"'],
    ['an image that is not pushed', `v${version}`, 'matrx-sandbox/product:local', 'is not a name by digest'],
  ])('are not made of %s', async (_what, TAG, product, message) => {
    await writeImages(product);
    expect(await run('release-files.ts', { TAG })).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining(message),
    });
    expect(await readdir(folder)).not.toContain('SHA256SUMS');
  });
});

describe('the changelog', () => {
  const text =
    '# Changelog\n\n## 1.2.0 - 2026-01-02\n\n- new\n\n## 1.1.0 - 2026-01-01\n\n## 1.0.0 - 2025-12-31\n\n- first\n';
  it('gives the section of a version', () => {
    expect(changelogSection(text, '1.2.0')).toBe('- new');
    expect(changelogSection(text, '1.0.0')).toBe('- first');
  });
  it('that says nothing of a version ends the release', () => {
    expect(() => changelogSection(text, '1.1.0')).toThrow('says nothing below "## 1.1.0"');
    expect(() => changelogSection(text, '1.2')).toThrow('has no heading "## 1.2 - DATE"');
  });
});

describe('publishing', () => {
  const github = (view: string): Readonly<Record<string, string>> => ({ gh: `case "$2" in view) ${view} ;; esac` });
  const complete = async (): Promise<void> => {
    for (const name of [
      'install.yaml',
      'crds.yaml',
      'SHA256SUMS',
      'SHA256SUMS.sigstore.json',
      'notes.md',
      'images.json',
    ]) {
      await writeFile(join(folder, name), name);
    }
  };
  const verbs = (calls: readonly string[]): readonly string[] =>
    calls.map((call) => call.split(' ').slice(2, 4).join(' '));

  it('makes a draft, uploads all, and only then shows it', async () => {
    await complete();
    const gh = await makeFakePrograms(join(folder, 'fake'), github('echo release not found >&2; exit 1'));
    expect(await run('publish.ts', { TAG: 'v1.2.3', PATH: gh.path })).toMatchObject({ exitCode: 0 });
    expect(verbs(await gh.calls())).toEqual(['view v1.2.3', 'create v1.2.3', 'upload v1.2.3', 'edit v1.2.3']);
    expect((await gh.calls())[1]).toContain('--draft --verify-tag');
    expect((await gh.calls())[2]).not.toMatch(/images\.json|notes\.md/);
  });

  it('goes on where an earlier run ended', async () => {
    await complete();
    const gh = await makeFakePrograms(join(folder, 'fake'), github('exit 0'));
    expect(await run('publish.ts', { TAG: 'v1.2.3', PATH: gh.path })).toMatchObject({ exitCode: 0 });
    expect(verbs(await gh.calls())).toEqual(['view v1.2.3', 'upload v1.2.3', 'edit v1.2.3']);
  });

  it('asks nobody while a file is missing', async () => {
    await complete();
    await rm(join(folder, 'SHA256SUMS.sigstore.json'));
    const gh = await makeFakePrograms(join(folder, 'fake'), github('exit 0'));
    expect(await run('publish.ts', { TAG: 'v1.2.3', PATH: gh.path })).toMatchObject({
      exitCode: 1,
      output: expect.stringContaining('release/SHA256SUMS.sigstore.json is not there'),
    });
    expect(await gh.calls()).toEqual([]);
  });
});
