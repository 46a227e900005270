import { expect } from '@jest/globals';
import { findCondition } from '../../src/api/condition.ts';
import { standingReason } from '../support/e2e/cluster.ts';
import { makeTemplate } from '../support/e2e/make-template.ts';
import { aSandbox } from '../support/e2e/sandbox-builder.ts';
import { scenario } from '../support/e2e/scenario.ts';

scenario(
  'a sandbox that overrides what its template does not leave to it says so, and starts once it does not',
  180,
  async (cluster) => {
    const name = await makeTemplate(cluster, { allowedOverrides: { images: [], maxResources: { cpu: 1 } } });
    const sandbox = aSandbox('override').with({ templateRef: { name }, image: 'localhost:1/other:1' });
    await cluster.create(sandbox);
    const refused = await cluster.until(
      sandbox.name,
      'it says why',
      (found) => standingReason(found) === 'OverrideNotAllowed',
    );
    expect(findCondition(refused.status?.conditions, 'Ready')?.message).toContain('spec.image localhost:1/other:1');
    await cluster.kubectl.run([
      'patch',
      `sandbox/${sandbox.name}`,
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/image"}]',
    ]);
    await cluster.ready(sandbox.name);
  },
);

scenario(
  'a change of a template does not disturb a sandbox that runs, and reaches it with its next pod',
  300,
  async (cluster) => {
    const name = await makeTemplate(cluster, { env: [{ name: 'COLOR', value: 'red' }] });
    const sandbox = aSandbox('edited').with({ templateRef: { name } });
    await cluster.start(sandbox);
    const before = await cluster.ready(sandbox.name);
    await cluster.kubectl.merge(`sandboxtemplate/${name}`, {
      spec: { env: [{ name: 'COLOR', value: 'blue' }], allowedOverrides: { images: [] } },
    });
    expect(await cluster.shell(sandbox.name, 'echo $COLOR')).toBe('red\n');
    expect((await cluster.ready(sandbox.name)).status?.podUid).toBe(before.status?.podUid);
    await cluster.kubectl.run(['delete', `pod/${sandbox.name}`, '--wait=false']);
    await cluster.until(
      sandbox.name,
      'it is Ready with another pod',
      (found) => standingReason(found) === 'PodReady' && found.status?.podUid !== before.status?.podUid,
      150_000,
    );
    expect(await cluster.shell(sandbox.name, 'echo $COLOR')).toBe('blue\n');
  },
);

scenario(
  'a sandbox that writes more than its ephemeral storage is replaced, and its home is what it was',
  420,
  async (cluster) => {
    const limits = { limits: { 'ephemeral-storage': '64Mi' }, requests: { 'ephemeral-storage': '1Mi' } };
    const name = await makeTemplate(cluster, { resources: limits });
    const sandbox = aSandbox('disk').with({ templateRef: { name } });
    await cluster.start(sandbox);
    const before = await cluster.ready(sandbox.name);
    await cluster.shell(sandbox.name, 'echo kept > note.txt; head -c 200M /dev/zero > /tmp/large');
    await cluster.until(
      sandbox.name,
      'it is Ready with another pod',
      (found) => standingReason(found) === 'PodReady' && found.status?.podUid !== before.status?.podUid,
      300_000,
    );
    expect(await cluster.shell(sandbox.name, 'cat note.txt; [ -e /tmp/large ] || echo fresh')).toBe('kept\nfresh\n');
  },
);

scenario(
  'a sandbox of a template without the internet reaches the facade, and nothing of the world',
  180,
  async (cluster) => {
    const name = await makeTemplate(cluster, { network: { egress: 'None' } });
    const sandbox = aSandbox('closed').with({ templateRef: { name } });
    await cluster.start(sandbox);
    const labels = await cluster.kubectl.run(['get', `pod/${sandbox.name}`, '-o', 'jsonpath={.metadata.labels}']);
    expect(JSON.parse(labels)).toMatchObject({ 'matrx.dev/egress': 'none', 'matrx.dev/template': name });
    const probe = `import socket
try:
    socket.create_connection(('1.1.1.1', 443), 5).close()
    print('open')
except OSError:
    print('closed')`;
    expect(await cluster.python(sandbox.name, probe)).toBe('closed\n');
  },
);
