import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Where Node keeps what it has compiled (NODE_COMPILE_CACHE) of programs that tests start hundreds of times: half of what
 * a start takes. A cache, kept from run to run.
 */
export const COMPILED = join(tmpdir(), 'matrx-test-compiled');
