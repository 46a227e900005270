import { expect } from '@jest/globals';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { makeRest } from '../support/e2e/rest.ts';
import { scenario } from '../support/e2e/scenario.ts';

interface Nodes {
  readonly items: readonly { readonly status: { readonly images: readonly { readonly names: readonly string[] }[] } }[];
}

scenario(
  'an image that has neither the daemon nor a shell runs, and a command is answered with what it lacks',
  120,
  async (cluster) => {
    const nodes = await cluster.kubectl.json<Nodes>(['get', 'nodes']);
    // The one image with a single program in it that every node has.
    const image = nodes.items
      .flatMap(({ status }) => status.images.flatMap(({ names }) => names))
      .find((name) => /\/(mirrored-)?pause:/.test(name));
    const name = await cluster.start(aSandbox('bare').ephemeral().with({ image }));
    const rest = makeRest(cluster.environment, cluster.signal);
    const { status, body } = await rest('POST', `/sandboxes/${name}/exec`, { body: { command: 'true' } });
    expect({ status, body }).toMatchObject({
      status: 500,
      body: {
        type: 'tag:matrx.dev,2026:exec-failed',
        detail: 'The image of the sandbox has no bash, which commands are run with',
      },
    });
  },
);
