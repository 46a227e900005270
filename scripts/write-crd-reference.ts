// Writes docs/crds.md: a part of `make generate`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crdReference } from './crd-reference.ts';

writeFileSync(join(import.meta.dirname, '../docs/crds.md'), crdReference());
