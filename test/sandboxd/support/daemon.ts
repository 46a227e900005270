import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from '@jest/globals';
import { signAccessToken } from '../../../src/sandboxd/protocol/access-token.ts';
import { startSandboxd } from '../../../src/sandboxd/sandboxd.ts';
import type { SandboxdServer } from '../../../src/sandboxd/server.ts';
import type { SandboxdSettings } from '../../../src/sandboxd/settings.ts';

/** The pod that a test's daemon believes to run in. */
export const POD_UID = 'pod-of-the-test';

type DaemonInit = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

export interface TestDaemon {
  readonly url: string;
  readonly port: number;
  /** A folder of its own, removed after the test. */
  readonly home: string;
  /** Lets into this daemon. */
  readonly token: string;
  readonly fetch: (path: string, init?: DaemonInit) => Promise<Response>;
  /** Done after the test in any case. */
  readonly close: () => Promise<void>;
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
/** Signs access tokens that every test's daemon accepts. */
export const DAEMON_KEY = privateKey;
export const DAEMON_PUBLIC_KEY = publicKey;
const running: { readonly server: SandboxdServer; readonly home: string }[] = [];

afterEach(async () => {
  for (const { server, home } of running.splice(0)) {
    await server.close();
    rmSync(home, { recursive: true, force: true });
  }
});

/** The real daemon, in this process, on a free port. */
export const startDaemon = async (more: Partial<SandboxdSettings> = {}): Promise<TestDaemon> => {
  const home = mkdtempSync(join(tmpdir(), 'matrx-sandboxd-'));
  const server = await startSandboxd({
    host: '127.0.0.1',
    port: 0,
    keys: [publicKey],
    podUid: POD_UID,
    home,
    environment: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8' },
    ...more,
  });
  running.push({ server, home });
  const { port } = server.address();
  const token = signAccessToken(privateKey, { podUid: POD_UID, now: Date.now(), lifetimeMs: 600_000 });
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    home,
    token,
    close: server.close,
    fetch: (path, init = {}) => {
      const headers = new Headers(init.headers);
      if (!headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
      return fetch(`${url}${path}`, { ...init, headers });
    },
  };
};

/** A daemon of its own for each test of a file, and where a name is in its home. */
export const daemonOfEachTest = (): {
  readonly daemon: () => TestDaemon;
  readonly at: (name: string) => string;
} => {
  let daemon: TestDaemon | undefined;
  const current = (): TestDaemon => {
    if (daemon === undefined) throw new Error('a daemon is there only within a test');
    return daemon;
  };
  beforeEach(async () => {
    daemon = await startDaemon();
  });
  return { daemon: current, at: (name) => join(current().home, name) };
};
