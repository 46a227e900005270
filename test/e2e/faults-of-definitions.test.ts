import { afterEach, expect, test } from '@jest/globals';
import { eventually } from '../support/e2e/eventually.ts';
import { startControllerProcess } from '../support/played/controller-process.ts';
import { brokenPromises } from '../support/played/life.ts';
import { type Definition, makePlayedCluster, type PlayedCluster } from '../support/played/played-cluster.ts';
import { onStage } from '../support/played/stage.ts';

let cluster: PlayedCluster | undefined;
afterEach(async () => {
  await cluster?.close();
  cluster = undefined;
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

/** The schema without one of its properties: what an older version did not know. */
const without = (schema: Schema, [name = '', ...below]: readonly string[]): Schema => {
  const { [name]: found = {}, ...others } = schema.properties ?? {};
  return { ...schema, properties: below.length === 0 ? others : { ...others, [name]: without(found, below) } };
};

const olderBy =
  (...path: readonly string[]) =>
  (definition: Definition): Definition => ({
    ...definition,
    spec: {
      ...definition.spec,
      versions: definition.spec.versions.map((version) => {
        const { openAPIV3Schema } = version.schema as { readonly openAPIV3Schema: Schema };
        return { ...version, schema: { openAPIV3Schema: without(openAPIV3Schema, path) } };
      }),
    },
  });

test('a definition that is absent: the controller is not ready, says which and what to do, and begins nothing [F20]', async () => {
  cluster = await makePlayedCluster({ define: (same, kind) => (kind === 'Workspace' ? undefined : same) });
  const namespace = await cluster.makeNamespace();
  const proxy = await cluster.openProxy();
  const controller = startControllerProcess({ url: proxy.url, namespace });
  try {
    const check = () => controller.informers.find(({ resource }) => resource === 'workspaces.matrx.dev')?.check.check();
    const says = /install its CustomResourceDefinition/;
    await eventually('it says so', () => says.test(check()?.message ?? ''), { deadlineMs: 60_000 });
    expect(check()).toMatchObject({ ok: false, message: expect.stringContaining('workspaces.matrx.dev') });
    expect(controller.log).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringMatching(says) }),
    );
    expect(proxy.written).toEqual([]);
  } finally {
    await controller.kill();
  }
});

test.each([[['status', 'run']], [['status', 'workspace']], [['spec', 'config']]])(
  'a definition that is older and drops %j: a sandbox starts, rests and ends all the same [F20]',
  async (path) => {
    cluster = await makePlayedCluster({ define: (same, kind) => (kind === 'Sandbox' ? olderBy(...path)(same) : same) });
    await onStage(cluster, {}, async ({ life, proxy, controller }) => {
      await controller().started;
      await life.create('demo', { config: { dropped: true } });
      await life.until('Ready', () => life.isReady('demo'));
      const count = proxy.written.length;
      await life.create('other', { desiredState: 'Stopped' });
      await life.until('another was seen to', () => life.reason('other') === 'Stopped');
      // Not a write over and over, because what it has written is not what it reads.
      expect(proxy.written.slice(count).filter(({ path: to }) => to.includes('/demo')).length).toBeLessThanOrEqual(3);
      await life.remove('demo');
      await life.until('gone', () => life.sandbox('demo') === undefined && life.pod('demo') === undefined);
      expect(brokenPromises(life)).toEqual([]);
    });
  },
);
