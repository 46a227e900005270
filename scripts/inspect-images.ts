// `make sbom` and `make scan-images`: what is in the images of release/images.json, as SPDX files beside it, and what of
// that is known to be vulnerable. A vulnerability that is critical and has a fix ends the scan with an error.
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/local/command.ts';
import { goTool } from './go-tools.ts';
import { readImages, RELEASE } from './release-images.ts';

const TIMEOUT_MS = 20 * 60_000;
const sbomOf = (name: string): string => join(RELEASE, `${name}.spdx.json`);

const writeSboms = async (): Promise<void> => {
  const images = Object.entries(await readImages());
  const syft = await goTool('syft');
  for (const [name, image] of images) {
    await run([syft, 'scan', `docker:${image}`, '--quiet', '--output', `spdx-json=${sbomOf(name)}`], {
      timeoutMs: TIMEOUT_MS,
    });
    console.log(`${sbomOf(name)}: what is in ${image}`);
  }
};

const scan = async (): Promise<void> => {
  const names = Object.keys(await readImages());
  for (const name of names) {
    await access(sbomOf(name)).catch(() => {
      throw new Error(`${sbomOf(name)} is not there: run \`make sbom\` first`);
    });
  }
  // Not before: it may have to be built, for minutes.
  const grype = await goTool('grype');
  for (const name of names) {
    await run([grype, `sbom:${sbomOf(name)}`, '--only-fixed', '--fail-on', 'critical'], {
      onLine: (line) => console.log(line),
      timeoutMs: TIMEOUT_MS,
    });
  }
};

const acts: Readonly<Record<string, () => Promise<void>>> = { sbom: writeSboms, scan };
const act = acts[process.argv[2] ?? ''];
if (act === undefined) throw new Error(`${process.argv[2] ?? 'no argument'}: it takes sbom or scan`);
await act();
