// `make sign`: signs the images of release/images.json and SHA256SUMS with the identity of the workflow, or of the person
// who logs in: no key is kept anywhere.
import { join } from 'node:path';
import { run } from '../src/local/command.ts';
import { goTool } from './go-tools.ts';
import { readImages, RELEASE } from './release-images.ts';

const images = Object.values(await readImages());
const cosign = await goTool('cosign');
const options = { onLine: (line: string) => console.log(line), timeoutMs: 10 * 60_000 };
for (const image of images) await run([cosign, 'sign', '--yes', image], options);
const sums = join(RELEASE, 'SHA256SUMS');
await run([cosign, 'sign-blob', '--yes', '--bundle', `${sums}.sigstore.json`, sums], options);
