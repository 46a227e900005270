import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const program = readFileSync(new URL('./browser/pages.py', import.meta.url), 'utf8');

// The browser is the one of the sandbox image: a real Chromium, as far from the facade as any client in the cluster.
scenario(
  'a real browser reads /docs without another host, and has a terminal by ticket and by key [A6.3]',
  240,
  async (cluster) => {
    const { MATRX_URL: url, MATRX_API_KEY: key } = cluster.environment;
    const name = await cluster.start(aSandbox('browser').ephemeral());
    const said = await cluster.python(name, program, { args: [url, key, name, '/tmp/pictures'], deadlineMs: 200_000 });
    const { paths, terminal } = JSON.parse(said) as { paths: number; terminal: readonly number[] };
    expect(paths).toBeGreaterThan(20);
    expect(terminal).toHaveLength(2);
  },
);
