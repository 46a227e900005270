import { expect } from '@jest/globals';
import { SANDBOX_CONTAINER } from '../../src/api/names.ts';
import { succeed } from '../support/e2e/command.ts';
import { PROJECT_ROOT } from '../support/e2e/readme.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const IMAGE = 'matrx-e2e/data:1';

scenario(
  "the example of a user's own image builds on core as its README says, and a sandbox of it keeps core's contract [A6.2]",
  600,
  async (cluster) => {
    const matrx = (...args: readonly string[]): Promise<unknown> =>
      succeed(process.execPath, ['src/main.ts', ...args], {
        deadlineMs: 500_000,
        signal: cluster.signal,
        cwd: PROJECT_ROOT,
        env: process.env,
      });
    await matrx('image', 'build', 'sandbox-image/examples/data', '--tag', IMAGE);
    await matrx('image', 'load', IMAGE);

    const name = await cluster.start(aSandbox('own-image').ephemeral().with({ image: IMAGE }));
    const smoke = await cluster.kubectl.run(
      ['exec', name, '-c', SANDBOX_CONTAINER, '--', '/opt/sandbox/bin/smoke-test'],
      {
        deadlineMs: 200_000,
      },
    );
    expect(smoke).toContain('ok python: duckdb\n');
    expect(smoke).toMatch(/\n\d+ passed, 0 failed\n$/);
    expect(await cluster.shell(name, 'id -u; /opt/sandbox/bin/healthcheck')).toMatch(/^1000\nHEALTHY/);
  },
);
