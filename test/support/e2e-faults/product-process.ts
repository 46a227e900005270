import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { eventually } from '../e2e/eventually.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export interface Readiness {
  readonly status: number;
  readonly body: string;
}

export interface ProductProcess {
  /** What /readyz answers, once it answers what `accept` holds for. */
  readonly readinessUntil: (what: string, accept: (readiness: Readiness) => boolean) => Promise<Readiness>;
  /** Everything it has logged. */
  readonly log: () => string;
  /** Undefined while it runs, null when a signal has ended it. */
  readonly exitCode: () => number | null | undefined;
  /** SIGTERM, and SIGKILL if that does not end it. */
  readonly stop: () => Promise<void>;
}

const END_WITHIN_MS = 20_000;

/** `matrx <command>` from the sources, as a process of this machine with an environment of its own. */
export const startProduct = async (
  command: 'controller' | 'node',
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<ProductProcess> => {
  const port = await freePort();
  const { AWS_CA_BUNDLE: _bundle, ...inherited } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inherited, ...env, MATRX_HTTP_HOST: '127.0.0.1', MATRX_HTTP_PORT: String(port) },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, 'close');

  const readiness = async (): Promise<Readiness> => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(20_000) });
    return { status: answer.status, body: await answer.text() };
  };
  return {
    readinessUntil: (what, accept) =>
      eventually(
        what,
        async () => {
          if (child.exitCode !== null) throw new Error(`matrx ${command} ended with ${child.exitCode}: ${said}`);
          const found = await readiness();
          if (!accept(found))
            throw new Error(`/readyz answers ${found.status} ${found.body}; log: ${said.slice(-2000)}`);
          return found;
        },
        { deadlineMs: 120_000, signal },
      ),
    log: () => said,
    exitCode: () => (child.exitCode === null && child.signalCode === null ? undefined : child.exitCode),
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
      await exited;
      clearTimeout(timer);
    },
  };
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};
