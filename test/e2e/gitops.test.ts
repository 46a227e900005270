import { expect } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { findCondition } from '../../src/api/condition.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { SandboxTemplate } from '../../src/api/sandbox-template.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { scenario } from '../support/e2e/scenario.ts';
import { kstatus } from '../support/kstatus.ts';

const REPOSITORY = 'manifests/examples/gitops/repository';
/** As Flux marks what it applies, and finds what it has to prune. */
const LABEL = 'kustomize.toolkit.fluxcd.io/name';
const OWNED = `${LABEL}=gitops-test`;

type Applied = KubeObject & { readonly kind: string };

/** What is in the repository, with the image that this cluster has, each object with the label. */
const repository = async ({ kubectl }: Cluster): Promise<readonly Applied[]> => {
  const { spec } = await kubectl.json<SandboxTemplate>(['get', 'sbt/default']);
  const text = await kubectl.run(['kustomize', REPOSITORY]);
  return parseAllDocuments(text).map((document) => {
    const object = document.toJS() as Applied & { readonly spec: object };
    const image = object.kind === 'SandboxTemplate' ? { image: spec.image } : {};
    const labels = { ...object.metadata.labels, [LABEL]: 'gitops-test' };
    return { ...object, metadata: { ...object.metadata, labels }, spec: { ...object.spec, ...image } };
  });
};

/** Server-side, as the tools do; then what carries the label and is no longer wanted is deleted. */
const reconcile = async ({ kubectl }: Cluster, wanted: readonly Applied[]): Promise<void> => {
  // kubectl refuses to apply nothing.
  if (wanted.length > 0) {
    await kubectl.run(['apply', '--server-side', '--field-manager=kustomize-controller', '-f', '-'], {
      stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: wanted }),
    });
  }
  const keep = new Set(wanted.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  const { items } = await kubectl.json<{ readonly items: readonly Applied[] }>([
    'get',
    'sandboxes,sandboxtemplates,workspaces',
    `--selector=${OWNED}`,
  ]);
  const gone = items.map(({ kind, metadata }) => `${kind}/${metadata.name}`).filter((name) => !keep.has(name));
  if (gone.length > 0) await kubectl.run(['delete', '--timeout=90s', ...gone], { deadlineMs: 100_000 });
};

scenario(
  'a repository of Sandboxes becomes Current; what is taken out of it is pruned, and the Workspaces stay with their files',
  300,
  async (cluster) => {
    const { kubectl } = cluster;
    const all = await repository(cluster);
    for (const { kind, metadata } of all) cluster.own(`${kind}/${metadata.name}`);
    await reconcile(cluster, all);
    const current = (name: string): Promise<Sandbox> =>
      cluster.until(name, 'kstatus is Current', (sandbox) => kstatus(sandbox) === 'Current', 120_000);
    const [carla] = [await current('carla-data'), await current('dmitri-data')];
    await cluster.shell('dmitri-data', 'echo kept > from-git.txt');

    // Applying what is there already changes nothing: the tools do it every few minutes.
    await reconcile(cluster, all);
    const again = await kubectl.json<Sandbox>(['get', 'sbx/carla-data']);
    expect(again.metadata.generation).toBe(carla?.metadata.generation);
    expect(again.status?.podUid).toBe(carla?.status?.podUid);

    // Out of git: the Sandbox goes once its home is saved.
    const others = all.filter(({ metadata }) => metadata.name !== 'dmitri-data');
    await reconcile(cluster, others);
    expect(await kubectl.find('sbx/dmitri-data')).toBeUndefined();
    expect(await kubectl.find<Sandbox>('sbx/carla-data')).toMatchObject({ status: { podUid: carla?.status?.podUid } });

    const workspace = await cluster.workspaceUntil(
      'dmitri',
      'is saved and free',
      ({ status }) => status?.writer === undefined && findCondition(status?.conditions, 'Saved')?.status === 'True',
    );
    expect(workspace.metadata.labels ?? {}).not.toHaveProperty([LABEL]);

    // Back in git: with the files.
    await reconcile(cluster, all);
    await current('dmitri-data');
    expect(await cluster.shell('dmitri-data', 'cat from-git.txt')).toBe('kept\n');

    // All out of git.
    await reconcile(cluster, []);
    const left = await kubectl.run(['get', 'sandboxes,sandboxtemplates', `--selector=${OWNED}`, '-o', 'name']);
    expect(left).toBe('');
    for (const user of ['carla', 'dmitri']) expect(await kubectl.find(`ws/${user}`)).toBeDefined();
  },
);
