import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const client = readFileSync(new URL('./original-client/client.py', import.meta.url), 'utf8');

interface Promised {
  readonly line: string;
  readonly promise: string;
  readonly ok: boolean;
  readonly saw: string;
}

// The client runs where httpx is: in a sandbox. It knows a URL and a key, like any app.
scenario(
  'an app of the original works unchanged, with the same fields and status codes [A1.1] [A1.2] [A1.3] [A1.4] [A1.5] [A1.6] [A1.7] [A1.8] [A1.9] [A1.10] [A1.11] [A1.12] [A1.13] [A1.14] [A2.1] [A9.6] [T1] [T2] [T4] [T5] [T13]',
  300,
  async (cluster) => {
    const { MATRX_URL: url, MATRX_API_KEY: key } = cluster.environment;
    const name = await cluster.start(aSandbox('original'));
    const said = await cluster.kubectl.attempt(['exec', '-i', name, '-c', 'sandbox', '--', 'python3', '-', url, key], {
      stdin: client,
      deadlineMs: 280_000,
    });
    const promises = said.stdout
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Promised);
    expect(promises.filter(({ ok }) => !ok)).toEqual([]);
    expect({ exitCode: said.exitCode, stderr: said.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(promises.length).toBeGreaterThan(50);
  },
);
