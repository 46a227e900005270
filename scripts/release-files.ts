// `make release-files`: the files of the release TAG in release/, of the images that `make push-images` pushed: crds.yaml
// and install.yaml with the images by digest, crds/ and manifests/ as an archive for new hosts, notes.md of CHANGELOG.md,
// and SHA256SUMS of all that people download.
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { run } from '../src/local/command.ts';
import { changelogSection } from './changelog.ts';
import { goTool } from './go-tools.ts';
import { type ReleaseImages, readImages, RELEASE } from './release-images.ts';
import { versionSetting } from './settings.ts';

const ROOT = join(import.meta.dirname, '..');
/** What people download and check; the rest of release/ is for the publication itself. */
const DOWNLOADS = /^(crds|install)\.yaml$|\.spdx\.json$|\.tar\.gz$/;

/** `a/b@sha256:…` as an entry of a kustomization's images. */
const imageEntry = (name: string, image: string): object => {
  const [newName = '', digest] = image.split('@');
  if (digest === undefined) throw new Error(`${image} is not a name by digest: run \`make push-images\` first`);
  return { name, newName, digest };
};

/** The base with the release's images. */
const install = async (kustomize: string, images: ReleaseImages): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'matrx-release-'));
  try {
    await writeFile(join(folder, 'image-fields.yaml'), await readFile(join(ROOT, 'manifests/base/image-fields.yaml')));
    const kustomization = {
      resources: [relative(folder, join(ROOT, 'manifests/base'))],
      configurations: ['image-fields.yaml'],
      images: [
        imageEntry('matrx-sandbox/product', images.product),
        imageEntry('matrx-sandbox/sandbox', images.sandbox),
      ],
    };
    await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    return await run([kustomize, 'build', folder]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

const version = versionSetting();
const { version: own } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { readonly version: string };
if (version !== own) throw new Error(`TAG is v${version}, but package.json says ${own}: they are to be the same`);
const notes = changelogSection(await readFile(join(ROOT, 'CHANGELOG.md'), 'utf8'), version);
const images = await readImages();
const kustomize = await goTool('kustomize');
await writeFile(join(RELEASE, 'crds.yaml'), await run([kustomize, 'build', join(ROOT, 'crds')]));
await writeFile(join(RELEASE, 'install.yaml'), await install(kustomize, images));
const archive = `matrx-sandbox-${version}`;
await run(
  [
    'git',
    'archive',
    `--prefix=${archive}/`,
    `--output=${join(RELEASE, `${archive}.tar.gz`)}`,
    'HEAD',
    'crds',
    'manifests',
  ],
  { cwd: ROOT },
);
await writeFile(
  join(RELEASE, 'notes.md'),
  `${notes}\n\n## Images\n\n${Object.values(images)
    .map((image) => `- \`${image}\``)
    .join('\n')}\n`,
);
const downloads = (await readdir(RELEASE)).filter((name) => DOWNLOADS.test(name)).toSorted();
const sums = await Promise.all(
  downloads.map(async (name) => {
    const hash = createHash('sha256')
      .update(await readFile(join(RELEASE, name)))
      .digest('hex');
    return `${hash}  ${name}\n`;
  }),
);
await writeFile(join(RELEASE, 'SHA256SUMS'), sums.join(''));
console.log(`${RELEASE}: ${[...downloads, 'SHA256SUMS', 'notes.md'].join(', ')}`);
