import type { KeyObject } from 'node:crypto';
import type { ProcessLimits } from './processes/process-table.ts';
import { parsePublicKey } from './protocol/access-token.ts';
import { SANDBOXD_PORT } from './protocol/names.ts';

export interface SandboxdSettings {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Whose access tokens are good; with none nobody gets in. */
  readonly keys: readonly KeyObject[];
  /** The audience that a token must name. */
  readonly podUid: string;
  /** Where commands begin and relative paths start. */
  readonly home: string;
  /** What processes inherit: the container's environment without the daemon's own settings. */
  readonly environment: Readonly<Record<string, string>>;
  /** Instead of PROCESS_LIMITS. */
  readonly processes?: Partial<ProcessLimits>;
}

/** The daemon's own variables, which the controller sets: whoever runs in the sandbox has no use for them. */
const OWN = ['MATRX_SANDBOXD_KEYS', 'MATRX_SANDBOXD_PORT', 'MATRX_POD_UID'] as const;

/**
 * Environment → settings, without the loader of src/config, whose schema library would be a fifth of this process.
 * Throws an Error that names the variable.
 */
export const loadSandboxdSettings = (env: NodeJS.ProcessEnv = process.env): SandboxdSettings => {
  const port = env['MATRX_SANDBOXD_PORT'] ?? String(SANDBOXD_PORT);
  if (!/^\d{1,5}$/.test(port)) throw new Error(`MATRX_SANDBOXD_PORT is ${JSON.stringify(port)}: set a port number`);
  return {
    host: '0.0.0.0',
    port: Number(port),
    keys: (env['MATRX_SANDBOXD_KEYS'] ?? '').split(',').filter(Boolean).map(readKey),
    podUid: env['MATRX_POD_UID'] ?? '',
    home: env['HOME'] ?? '/home/agent',
    environment: Object.fromEntries(
      Object.entries(env).filter(
        (entry): entry is [string, string] => entry[1] !== undefined && !(OWN as readonly string[]).includes(entry[0]),
      ),
    ),
  };
};

const readKey = (text: string): KeyObject => {
  try {
    return parsePublicKey(text);
  } catch (cause) {
    throw new Error('MATRX_SANDBOXD_KEYS holds what is no public key: set base64 of DER, separated by commas', {
      cause,
    });
  }
};
