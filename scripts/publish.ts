// `make publish`: the GitHub release of the tag $TAG with the files of release/. A repetition goes on with what an
// earlier run had uploaded: the release is a draft until all of it is there.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, run } from '../src/local/command.ts';
import { RELEASE } from './release-images.ts';
import { versionSetting } from './settings.ts';

const tag = `v${versionSetting()}`;
const gh = (...args: string[]): Promise<string> => run(['gh', 'release', ...args], { timeoutMs: 10 * 60_000 });
const names = (await readdir(RELEASE)).filter((name) => name !== 'images.json' && name !== 'notes.md').toSorted();
for (const needed of ['install.yaml', 'crds.yaml', 'SHA256SUMS', 'SHA256SUMS.sigstore.json']) {
  if (!names.includes(needed)) {
    throw new Error(`release/${needed} is not there: run \`make release-files sign\` first`);
  }
}
try {
  await gh('view', tag);
} catch (error) {
  if (!(error instanceof CommandError) || !error.output.includes('not found')) throw error;
  await gh('create', tag, '--draft', '--verify-tag', `--title=${tag}`, `--notes-file=${join(RELEASE, 'notes.md')}`);
}
await gh('upload', tag, '--clobber', ...names.map((name) => join(RELEASE, name)));
await gh('edit', tag, '--draft=false');
console.log(`${tag} is published: ${names.join(', ')}`);
