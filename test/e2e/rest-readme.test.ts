import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { succeed } from '../support/e2e/command.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { PROJECT_ROOT, readmeCommands } from '../support/e2e/readme.ts';
import { makeRest, type Rest } from '../support/e2e/rest.ts';
import { scenario } from '../support/e2e/scenario.ts';

/** The README's user has the same name in every run. */
const removeSandboxesOf = async (cluster: Cluster, userId: string): Promise<void> => {
  const { items } = await cluster.kubectl.json<{ items: readonly Sandbox[] }>([
    'get',
    'sbx',
    `--field-selector=spec.userId=${userId}`,
  ]);
  for (const { metadata } of items) await cluster.remove(metadata.name);
};

const runReadme = async (cluster: Cluster, mark: string): Promise<string> => {
  const { stdout } = await succeed('bash', ['-euo', 'pipefail', '-c', readmeCommands(mark)], {
    deadlineMs: 200_000,
    signal: cluster.signal,
    cwd: PROJECT_ROOT,
  });
  return stdout.toString();
};

scenario(
  "the README's REST commands run as they stand, and the second sandbox has the first one's file",
  240,
  async (cluster) => {
    await removeSandboxesOf(cluster, 'ann');
    try {
      const output = await runReadme(cluster, 'rest');
      expect(output).toContain('"healthy"');
      const written = [...output.matchAll(/"stdout": ?"([^"]*)"/g)].map(([, text]) => text);
      expect(written).toHaveLength(2);
      expect(written[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9}/);
      expect(written[1]).toBe(written[0]);
    } finally {
      await removeSandboxesOf(cluster, 'ann');
    }
  },
);

scenario("the README's kubectl commands run as they stand", 200, async (cluster) => {
  await cluster.kubectl.run(['delete', 'sbx/demo', '--ignore-not-found', '--timeout=60s'], { deadlineMs: 70_000 });
  cluster.own('sandbox/demo');
  const output = await runReadme(cluster, 'kubectl');
  expect(output).toMatch(/condition met/);
  expect(output).toMatch(/^demo\s+True\s+PodReady/m);
  expect(output).toMatch(/"demo" deleted/);
});

const program = (name: string): string =>
  readFileSync(new URL(`../support/e2e/home/${name}.py`, import.meta.url), 'utf8');

const startByRest = async (rest: Rest, cluster: Cluster, userId: string): Promise<string> => {
  const { status, body } = await rest('POST', '/sandboxes', { body: { user_id: userId } });
  expect({ status, body }).toMatchObject({ status: 201, body: { user_id: userId, status: 'ready' } });
  const id = (body as { readonly sandbox_id: string }).sandbox_id;
  cluster.own(`sandbox/${id}`);
  return id;
};

const executeByRest = async (rest: Rest, id: string, command: string): Promise<string> => {
  const { status, body } = await rest('POST', `/sandboxes/${id}/exec`, { body: { command, timeout: 120 } });
  expect({ status, body }).toMatchObject({ status: 200, body: { exit_code: 0, stderr: '' } });
  return (body as { readonly stdout: string }).stdout;
};

/** How many entries the home has, and one hash over all that list.py says of them. */
const LIST = `python3 - > /tmp/all <<'PROGRAM'
${program('list')}
PROGRAM
grep -v '"type": "other"' /tmp/all > /tmp/saved
wc -l < /tmp/saved
sha256sum < /tmp/saved`;

scenario('a home with every kind of file comes back exactly by REST alone', 200, async (cluster) => {
  const rest = makeRest(cluster.environment, cluster.signal);
  const userId = uniqueName('user-rest');
  const first = await startByRest(rest, cluster, userId);
  await executeByRest(rest, first, `python3 - 1000 20 <<'PROGRAM'\n${program('fill')}\nPROGRAM`);
  const left = await executeByRest(rest, first, LIST);
  expect(left).toMatch(/[0-9a-f]{64}/);
  expect((await rest('DELETE', `/sandboxes/${first}`)).status).toBe(204);
  expect((await rest('GET', `/sandboxes/${first}`)).body).toMatchObject({
    status: 'stopped',
    stop_reason: 'user_requested',
    workspace: { saved: true },
  });

  const second = await startByRest(rest, cluster, userId);
  expect(await executeByRest(rest, second, LIST)).toBe(left);
  expect((await rest('DELETE', `/sandboxes/${second}`)).status).toBe(204);
});
