// `make images`: builds both images with the Docker Engine and writes their names to release/images.json.
import { join } from 'node:path';
import { run } from '../src/local/command.ts';
import { writeImages } from './release-images.ts';

const build = async (kind: string): Promise<string> => {
  const printed = await run([process.execPath, 'src/main.ts', 'image', 'build', kind], {
    cwd: join(import.meta.dirname, '..'),
    onLine: (line) => console.log(line),
    timeoutMs: 45 * 60_000,
  });
  return printed.trim();
};

await writeImages({ product: await build('product'), sandbox: await build('full') });
