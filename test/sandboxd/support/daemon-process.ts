import type { KeyObject } from 'node:crypto';
import { formatPublicKey } from '../../../src/sandboxd/protocol/access-token.ts';
import { startProgram, type TestProgram } from '../../support/program.ts';

export interface DaemonProcess extends TestProgram {
  readonly port: number;
}

/** The real daemon in a process of its own, which can be killed. Several have one port, each at an address of its own. */
export const startDaemonProcess = async (options: {
  readonly key: KeyObject;
  readonly podUid: string;
  readonly host?: string;
  readonly port?: number;
}): Promise<DaemonProcess> => {
  const { key, podUid, host = '127.0.0.1', port = 0 } = options;
  const program = await startProgram(new URL('daemon-process-program.ts', import.meta.url), {
    host,
    port,
    podUid,
    key: formatPublicKey(key),
  });
  return { ...program, port: Number(program.said) };
};
