import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from '@jest/globals';
import { errorMessage } from '../../src/base/errors.ts';
import { eventually } from '../support/e2e/eventually.ts';
import type { Exchange } from '../support/kube-server/exchange.ts';
import { type Kubeconfig, writeKubeconfig } from '../support/kube-server/kubeconfig.ts';
import { type SecretModel, startSecretModel } from '../support/kube-server/secret-model.ts';
import { runMatrx } from '../support/matrx.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const FACADE_KEY = generateKeyPairSync('ed25519')
  .privateKey.export({ format: 'der', type: 'pkcs8' })
  .toString('base64');

let model: SecretModel | undefined;
let kubeconfig: Kubeconfig | undefined;

afterEach(async () => {
  for (const facade of running) await facade.stop();
  await kubeconfig?.remove();
  await model?.close();
});

/** No Sandboxes, and none to come. */
const noSandboxes = (exchange: Exchange): void => {
  if (exchange.query['watch'] === 'true') exchange.stream();
  else exchange.list([], '5');
};

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

interface Facade {
  readonly url: string;
  /** Waits until the log holds `text`; for two minutes at most. */
  readonly untilSaid: (text: string) => Promise<void>;
  /** The exit code, undefined where only SIGKILL has ended it. */
  readonly stop: () => Promise<number | null>;
}

const running = new Set<Facade>();

const startFacade = async (env: Readonly<Record<string, string>>): Promise<Facade> => {
  const [port, operations] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'facade'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, MATRX_HOST: '127.0.0.1', MATRX_PORT: String(port), MATRX_HTTP_PORT: String(operations) },
  });
  const exited = once(child, 'exit');
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const facade: Facade = {
    url: `http://127.0.0.1:${port}`,
    untilSaid: async (text) => {
      await eventually(`the facade says ${text}`, () => said.includes(text), { deadlineMs: 120_000 }).catch((error) => {
        throw new Error(`${errorMessage(error)}\n${said}`, { cause: error });
      });
    },
    stop: async () => {
      running.delete(facade);
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
      const [code] = (await exited) as [number | null];
      clearTimeout(timer);
      return code;
    },
  };
  running.add(facade);
  return facade;
};

it('a facade without any key starts closed and says how to open it; a key works and is gone again without a restart [A1.1]', async () => {
  model = await startSecretModel(noSandboxes);
  kubeconfig = await writeKubeconfig(model.server.url);
  const env = { KUBECONFIG: kubeconfig.path };
  const facade = await startFacade({ ...env, MATRX_FACADE_KEY: FACADE_KEY });
  const statusWith = async (key: string): Promise<number> =>
    (await fetch(`${facade.url}/sandboxes`, { headers: { 'X-API-Key': key } })).status;
  await facade.untilSaid('there is no API key, so nobody can use this server: create one with `matrx key create');
  await facade.untilSaid('REST server listens');
  expect((await fetch(`${facade.url}/health`)).status).toBe(200);
  expect((await fetch(`${facade.url}/sandboxes`)).status).toBe(401);
  expect(await statusWith('anything')).toBe(403);

  const key = (await runMatrx(['key', 'create', '--all-users'], env)).stdout.trim();
  const id = key.slice(4, 20);
  await facade.untilSaid(`"added":["${id}"]`);
  expect(await statusWith(key)).toBe(200);
  expect((await runMatrx(['key', 'revoke', id], env)).code).toBe(0);
  await facade.untilSaid(`"removed":["${id}"]`);
  expect(await statusWith(key)).toBe(403);
  expect(await facade.stop()).toBe(0);
}, 180_000);
