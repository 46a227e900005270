import { expect } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { GROUP_VERSION } from '../../src/api/names.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Cluster } from '../support/e2e/cluster.ts';
import { uniqueName } from '../support/e2e/names.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

/** Of all nodes, what their runtimes say of pods without a RuntimeClass. */
const nodesHaveUserNamespaces = async (cluster: Cluster): Promise<boolean> => {
  const { items } = JSON.parse(await cluster.kubectl.run(['get', 'nodes', '-o', 'json'])) as {
    readonly items: readonly {
      readonly status: {
        readonly runtimeHandlers?: readonly {
          readonly name?: string;
          readonly features?: { readonly userNamespaces?: boolean };
        }[];
      };
    }[];
  };
  return items.some(({ status }) =>
    status.runtimeHandlers?.some(({ name = '', features }) => name === '' && features?.userNamespaces === true),
  );
};

scenario(
  'a template with sudo is refused with what is missing: user namespaces on the nodes, or the component',
  120,
  async (cluster) => {
    const name = uniqueName('sudo');
    cluster.own(`sandboxtemplate/${name}`);
    const image = await cluster.kubectl.run(['get', 'sandboxtemplate/default', '-o', 'jsonpath={.spec.image}']);
    await cluster.kubectl.create({
      apiVersion: GROUP_VERSION,
      kind: 'SandboxTemplate',
      metadata: { name },
      spec: { image, security: { sudo: true } },
    });
    const sandbox = aSandbox('sudo').with({ templateRef: { name } });
    await cluster.create(sandbox);
    const expected = (await nodesHaveUserNamespaces(cluster))
      ? { reason: 'PodRefused', message: expect.stringContaining('manifests/components/sudo') }
      : { reason: 'UserNamespacesUnavailable', message: expect.stringContaining('containerd 2.0') };
    const stalled = await cluster.until(
      sandbox.name,
      'it is Stalled',
      ({ status }: Sandbox) => findCondition(status?.conditions, 'Stalled')?.status === 'True',
    );
    expect(findCondition(stalled.status?.conditions, 'Ready')).toMatchObject({ status: 'False', ...expected });
    await cluster.remove(sandbox.name, 45_000);
  },
);
