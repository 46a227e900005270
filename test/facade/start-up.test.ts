import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from '@jest/globals';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

interface Exit {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `matrx facade` with nothing but these settings. It never gets as far as a cluster. */
const facade = (env: Readonly<Record<string, string>>): Promise<Exit> =>
  new Promise((resolve) => {
    execFile(process.execPath, [MAIN, 'facade'], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });

const KEY = generateKeyPairSync('ed25519').privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
const NO_CLUSTER = { KUBECONFIG: '/nowhere/kubeconfig' };

it('the facade does not start without the key that sandboxes know it by, and says so in one line', async () => {
  const { code, stdout, stderr } = await facade(NO_CLUSTER);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^matrx: MATRX_FACADE_KEY is not set: set it to an Ed25519 private key.*\n$/);
});

it('the facade warns at its start where authentication is off', async () => {
  const { stdout } = await facade({ ...NO_CLUSTER, MATRX_AUTH: 'disabled', MATRX_FACADE_KEY: KEY });
  const [line = ''] = stdout.split('\n');
  expect(JSON.parse(line)).toMatchObject({
    level: 'warn',
    component: 'facade',
    msg: 'MATRX_AUTH is disabled: everyone who reaches this port can use every sandbox',
  });
});
