import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parsePublicKey } from '../../../src/sandboxd/protocol/access-token.ts';
import { startSandboxd } from '../../../src/sandboxd/sandboxd.ts';
import { readOptions, say } from '../../support/run-as-program.ts';

export interface DaemonProgramOptions {
  readonly host: string;
  readonly port: number;
  /** As MATRX_SANDBOXD_KEYS has it. */
  readonly key: string;
  readonly podUid: string;
}

const { host, port, key, podUid } = readOptions() as DaemonProgramOptions;
const home = mkdtempSync(join(tmpdir(), 'matrx-sandboxd-'));
const server = await startSandboxd({
  host,
  port,
  keys: [parsePublicKey(key)],
  podUid,
  home,
  environment: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8' },
});
say(String(server.address().port));
