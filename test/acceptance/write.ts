// Writes docs/acceptance.md and docs/faults.md: a part of `make generate`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { acceptanceTable, faultTable, linkedTests } from './links.ts';

const root = join(import.meta.dirname, '../..');
const tests = await linkedTests(root);
writeFileSync(join(root, 'docs/acceptance.md'), acceptanceTable(tests));
writeFileSync(join(root, 'docs/faults.md'), faultTable(tests));
