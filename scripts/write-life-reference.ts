// Writes docs/life.md: a part of `make generate`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lifeReference } from './life-reference.ts';

writeFileSync(join(import.meta.dirname, '../docs/life.md'), lifeReference());
