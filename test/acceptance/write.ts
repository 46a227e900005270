// Writes docs/acceptance.md: a part of `make generate`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptanceTable, linkedTests } from './links.ts';

const root = join(import.meta.dirname, '../..');
writeFileSync(join(root, 'docs/acceptance.md'), acceptanceTable(await linkedTests(root)));
