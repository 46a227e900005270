import { expect } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { FACADE_TOKEN_PATH } from '../../src/api/names.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { succeed } from '../support/e2e/command.ts';
import { eventually } from '../support/e2e/eventually.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { makeRest, type Rest } from '../support/e2e/rest.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** `matrx key …` as a person runs it, with the tests' kubeconfig; stdout. */
const matrxKey = async (cluster: Cluster, ...args: string[]): Promise<string> => {
  const { stdout } = await succeed(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, 'key', ...args], {
    deadlineMs: 60_000,
    signal: cluster.signal,
  });
  return stdout.toString().trim();
};

const restAs = (cluster: Cluster, key: string): Rest =>
  makeRest({ ...cluster.environment, MATRX_API_KEY: key }, cluster.signal);

/** Every replica answers so; one alone would answer one of several requests. */
const untilAllAnswer = (cluster: Cluster, what: string, rest: Rest, status: number): Promise<unknown> =>
  eventually(
    what,
    async () => {
      const answers = await Promise.all(Array.from({ length: 8 }, () => rest('GET', '/sandboxes')));
      return answers.every((answer) => answer.status === status);
    },
    { deadlineMs: 15_000, signal: cluster.signal },
  );

scenario(
  'a key works within seconds of its making, for its users alone, and no longer once it is revoked',
  150,
  async (cluster) => {
    const theirs = aSandbox('theirs').ephemeral();
    await cluster.start(theirs);
    const user = uniqueName('user-key');
    const key = await matrxKey(cluster, 'create', '--user', user, '--name', 'of a test', '--sandboxes', '1');
    const id = key.slice(4, 20);
    const rest = restAs(cluster, key);
    try {
      await untilAllAnswer(cluster, 'every replica takes the key', rest, 200);
      expect((await rest('GET', `/sandboxes/${theirs.name}`)).status).toBe(404);
      expect((await rest('POST', '/sandboxes', { body: { user_id: theirs.userId } })).status).toBe(403);

      const created = await rest('POST', '/sandboxes', { body: { user_id: user, workspace: { ephemeral: true } } });
      expect(created.status).toBe(201);
      const { sandbox_id: own } = created.body as { readonly sandbox_id: string };
      cluster.own(`sandbox/${own}`);
      expect((await rest('GET', '/sandboxes')).body).toMatchObject({ total: 1, sandboxes: [{ sandbox_id: own }] });
      expect((await rest('POST', '/sandboxes', { body: { user_id: user } })).status).toBe(429);

      const renewed = await matrxKey(cluster, 'rotate', id);
      await untilAllAnswer(cluster, 'every replica refuses the old secret', rest, 403);
      await untilAllAnswer(cluster, 'every replica takes the new secret', restAs(cluster, renewed), 200);
      await matrxKey(cluster, 'revoke', id);
      await untilAllAnswer(cluster, 'every replica refuses the revoked key', restAs(cluster, renewed), 403);
    } finally {
      await matrxKey(cluster, 'revoke', id).catch(() => undefined);
    }
  },
);

scenario(
  "a sandbox's own token speaks for it with authentication on, for no other, and not to the API server [T6]",
  150,
  async (cluster) => {
    const [own, other] = [aSandbox('own').ephemeral(), aSandbox('other').ephemeral()];
    await Promise.all([cluster.start(own), cluster.start(other)]);
    const token = (await cluster.shell(own.name, `cat ${FACADE_TOKEN_PATH}`)).trim();
    const rest = restAs(cluster, token);
    expect(await rest('GET', `/sandboxes/${own.name}`)).toMatchObject({ status: 200, body: { sandbox_id: own.name } });
    expect(await rest('POST', `/sandboxes/${own.name}/heartbeat`)).toMatchObject({
      status: 200,
      body: { acknowledged: true, sandbox_id: own.name },
    });
    expect((await rest('GET', `/sandboxes/${other.name}`)).status).toBe(404);
    expect((await rest('POST', `/sandboxes/${other.name}/heartbeat`)).status).toBe(404);
    expect((await rest('GET', '/sandboxes')).status).toBe(403);
    expect((await rest('DELETE', `/sandboxes/${own.name}`)).status).toBe(403);

    const server = await cluster.kubectl.run([
      'config',
      'view',
      '--minify',
      '-o',
      'jsonpath={.clusters[0].cluster.server}',
    ]);
    const refused = await cluster.kubectl.attempt([
      '--kubeconfig=/dev/null',
      `--server=${server}`,
      '--insecure-skip-tls-verify',
      `--token=${token}`,
      'get',
      'pods',
    ]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toMatch(/Unauthorized|must be logged in/);

    // The pod is gone, and with it what its token was worth; a kept answer does not outlive the Sandbox's word.
    await cluster.remove(own.name);
    expect([403, 404]).toContain((await rest('GET', `/sandboxes/${own.name}`)).status);
  },
);

scenario('the facade may read no Secret but that of the keys, and change none', 60, async (cluster) => {
  const can = async (verb: string, ...target: string[]): Promise<string> => {
    const asFacade = '--as=system:serviceaccount:matrx-system:matrx-facade';
    const { stdout } = await cluster.kubectl.attempt([
      '-n',
      'matrx-system',
      asFacade,
      'auth',
      'can-i',
      verb,
      ...target,
    ]);
    return stdout.toString().trim();
  };
  expect(await can('watch', 'secrets/matrx-api-keys')).toBe('yes');
  expect(await can('get', 'secrets/matrx-facade-key')).toBe('no');
  expect(await can('list', 'secrets')).toBe('no');
  expect(await can('patch', 'secrets/matrx-api-keys')).toBe('no');
});
