import { expect } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { GROUP_VERSION } from '../../src/api/names.ts';
import type { Reason } from '../../src/api/reasons.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { SandboxTemplate } from '../../src/api/sandbox-template.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

/** A start that cannot succeed has to say so soon, and its Sandbox has to be as easy to delete as any. */
const DELETE_WITHIN_MS = 45_000;

const untilReason = async (cluster: Cluster, name: string, reason: Reason): Promise<string> => {
  const failing = await cluster.until(name, `Ready is False with the reason ${reason}`, ({ status }: Sandbox) => {
    const ready = findCondition(status?.conditions, 'Ready');
    return ready?.status === 'False' && ready.reason === reason;
  });
  return findCondition(failing.status?.conditions, 'Ready')?.message ?? '';
};

const template = (name: string, spec: Partial<SandboxTemplate['spec']> & { readonly image: string }): object => ({
  apiVersion: GROUP_VERSION,
  kind: 'SandboxTemplate',
  metadata: { name },
  spec,
});

const defaultImage = (cluster: Cluster): Promise<string> =>
  cluster.kubectl.run(['get', 'sandboxtemplate/default', '-o', 'jsonpath={.spec.image}']);

scenario('a sandbox that fits on no node says Unschedulable, and why [F16] [A2.4]', 120, async (cluster) => {
  const sandbox = aSandbox('large').with({ resources: { requests: { cpu: 1000, memory: '1Ti' } } });
  await cluster.create(sandbox);
  expect(await untilReason(cluster, sandbox.name, 'Unschedulable')).toMatch(/insufficient (cpu|memory)/i);
  await cluster.remove(sandbox.name, DELETE_WITHIN_MS);
});

scenario('an image that cannot be pulled says ImagePullFailed and names the image [F16]', 120, async (cluster) => {
  const image = 'localhost:1/no-such-image:1';
  const sandbox = aSandbox('image').with({ image });
  await cluster.create(sandbox);
  expect(await untilReason(cluster, sandbox.name, 'ImagePullFailed')).toContain(image);
  await cluster.remove(sandbox.name, DELETE_WITHIN_MS);
});

scenario(
  'a template that does not exist says TemplateNotFound; once it is there the sandbox starts',
  120,
  async (cluster) => {
    const name = uniqueName('late');
    const sandbox = aSandbox('late').with({ templateRef: { name } });
    await cluster.create(sandbox);
    expect(await untilReason(cluster, sandbox.name, 'TemplateNotFound')).toContain(name);
    cluster.own(`sandboxtemplate/${name}`);
    await cluster.kubectl.create(template(name, { image: await defaultImage(cluster) }));
    await cluster.ready(sandbox.name);
  },
);

scenario('a sandbox of a missing template is deleted at once', 60, async (cluster) => {
  const sandbox = aSandbox('never').with({ templateRef: { name: uniqueName('never') } });
  await cluster.create(sandbox);
  await untilReason(cluster, sandbox.name, 'TemplateNotFound');
  await cluster.remove(sandbox.name, DELETE_WITHIN_MS);
});

scenario(
  'a pod that the API server refuses says PodRefused with its words, and starts once it is allowed',
  120,
  async (cluster) => {
    const name = uniqueName('runtime');
    cluster.own(`sandboxtemplate/${name}`);
    const image = await defaultImage(cluster);
    await cluster.kubectl.create(template(name, { image, runtimeClassName: 'no-such-runtime' }));
    const sandbox = aSandbox('refused').with({ templateRef: { name } });
    await cluster.create(sandbox);
    expect(await untilReason(cluster, sandbox.name, 'PodRefused')).toContain('no-such-runtime');
    await cluster.kubectl.run([
      'patch',
      `sandboxtemplate/${name}`,
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/runtimeClassName"}]',
    ]);
    await cluster.ready(sandbox.name);
  },
);

scenario(
  'a container that ends again and again says ContainerFailing; its home is saved all the same [F16]',
  150,
  async (cluster) => {
    const productImage = await cluster.kubectl.run([
      '--namespace=matrx-system',
      'get',
      'daemonset/matrx-node',
      '-o',
      'jsonpath={.spec.template.spec.containers[0].image}',
    ]);
    // Without arguments it prints how it is used and ends.
    const sandbox = aSandbox('crash').with({ image: productImage });
    await cluster.create(sandbox);
    expect(await untilReason(cluster, sandbox.name, 'ContainerFailing')).not.toBe('');
    await cluster.remove(sandbox.name, DELETE_WITHIN_MS);
  },
);
