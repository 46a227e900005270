import { GROUP_VERSION } from '../../../src/api/names.ts';
import type { SandboxTemplate } from '../../../src/api/sandbox-template.ts';
import type { Cluster } from './cluster.ts';
import { uniqueName } from './names.ts';

/** A template with the image of the installation, gone with the test; answers its name. */
export const makeTemplate = async (cluster: Cluster, spec: Partial<SandboxTemplate['spec']>): Promise<string> => {
  const image = await cluster.kubectl.run(['get', 'sandboxtemplate/default', '-o', 'jsonpath={.spec.image}']);
  const name = uniqueName('template');
  cluster.own(`sandboxtemplate/${name}`);
  await cluster.kubectl.create({
    apiVersion: GROUP_VERSION,
    kind: 'SandboxTemplate',
    metadata: { name },
    spec: { image, ...spec },
  });
  return name;
};
