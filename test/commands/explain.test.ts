import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/api/meta.ts';
import type { Ended } from '../support/matrx.ts';
import { type Kubeconfig, writeKubeconfig } from '../support/kube-server/kubeconfig.ts';
import { type KubeServer, startKubeServer } from '../support/kube-server/start-kube-server.ts';
import { aPodOf, aSandbox, aTemplate, aWorkspace } from '../support/resources.ts';
import { runHere } from './support/run-here.ts';

let server: KubeServer;
let kubeconfig: Kubeconfig;
/** By the path's last two parts: `sandboxes/demo`. */
let objects: Map<string, KubeObject>;
/** By the path's last part: `sandboxes`. */
let lists: Map<string, readonly KubeObject[]>;

beforeEach(async () => {
  objects = new Map();
  lists = new Map<string, readonly KubeObject[]>([['workspaces', []]]);
  server = await startKubeServer();
  server.answer(({ path, method, json, status, list }) => {
    if (method !== 'GET') return status(403, 'Forbidden', 'explain changes nothing');
    if (path === '/api/v1/nodes') return list([], '9');
    const listed = lists.get(path.split('/').at(-1) ?? '');
    if (listed !== undefined) return list(listed, '9');
    const found = objects.get(path.split('/').slice(-2).join('/'));
    return found === undefined ? status(404, 'NotFound') : json(200, found);
  });
  kubeconfig = await writeKubeconfig(server.url);
});
afterEach(async () => {
  await kubeconfig.remove();
  await server.close();
});

const explain = (...args: string[]): Promise<Ended> => runHere(['explain', ...args, '--kubeconfig', kubeconfig.path]);

describe('matrx explain', () => {
  it('says what is seen, what would be done next and why, and does nothing', async () => {
    objects.set('sandboxes/demo', aSandbox().finalized().build());
    objects.set('sandboxtemplates/default', aTemplate());
    const { code, stdout, stderr } = await explain('sbx/demo');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Sandbox sandboxes/demo\n  asked    Running, generation 1, of user ann\n');
    expect(stdout).toContain('  template default, generation 1\n  home     Workspace ann, which does not exist yet\n');
    expect(stdout).toContain('  pod      none\n');
    expect(stdout).toMatch(/\nWhy: it is being taken up\n\nPlan:\n {2}1\. create the Workspace ann\n/);
    expect(server.seen().filter((request) => !request.startsWith('GET '))).toEqual([]);
  });

  it('names the holder of a workspace that is in use', async () => {
    objects.set('sandboxes/demo', aSandbox().finalized().build());
    objects.set('sandboxtemplates/default', aTemplate());
    const writer = { sandbox: 'other', uid: 'uid-of-other', epoch: 4, acquiredAt: '2026-01-01T00:00:00Z' };
    objects.set('workspaces/ann', aWorkspace('ann', { writer }));
    const { stdout } = await explain('demo');
    expect(stdout).toContain('  writer   other, epoch 4\n');
    expect(stdout).toMatch(/\nWhy: WorkspaceInUse: .*other/);
  });

  it('knows of the quotas that the installation has, and of what the user has', async () => {
    const older = aSandbox('older').build();
    const sandbox = aSandbox().finalized().build();
    objects.set('sandboxes/demo', sandbox);
    objects.set('sandboxtemplates/default', aTemplate());
    objects.set('configmaps/matrx-config', {
      metadata: { name: 'matrx-config' },
      data: { MATRX_S3_BUCKET: 'b', MATRX_USER_SANDBOXES: '1' },
    } as KubeObject);
    lists.set('sandboxes', [sandbox, older]);
    lists.set('pods', [aPodOf(older, { phase: 'Running' }, 'node-1')]);
    const { stdout } = await explain('demo');
    expect(stdout).toMatch(/\nWhy: QuotaExceeded: .*may have 1/);
    expect(stdout).not.toContain('create the pod');
  });

  it('answers programs with JSON: what is seen, why, and the actions themselves', async () => {
    const sandbox = aSandbox().finalized().build();
    objects.set('sandboxes/demo', sandbox);
    objects.set('pods/demo', aPodOf(sandbox, { phase: 'Running' }, 'node-1'));
    const { stdout } = await explain('sandbox/demo', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      sandbox: { name: 'demo', desiredState: 'Running' },
      template: null,
      workspace: null,
      pod: { name: 'demo', node: 'node-1', phase: 'Running' },
      why: 'Fenced: the pod no longer holds workspace ann; the pod is replaced',
      plan: expect.arrayContaining([expect.objectContaining({ kind: 'deletePod', name: 'demo' })]),
    });
  });

  it.each([
    ['sbx/nobody', 'there is no Sandbox nobody in the namespace sandboxes'],
    ['pod/demo', '"pod/demo" names no Sandbox: give sbx/NAME'],
  ])('says of %s what is wrong with it', async (target, message) => {
    const { code, stdout, stderr } = await explain(target);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`matrx explain: ${message}`);
  });

  it('says in the API server’s words what it may not read', async () => {
    server.answer(({ status }) => status(403, 'Forbidden', 'sandboxes.matrx.dev is forbidden'));
    expect(await explain('demo')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('sandboxes.matrx.dev is forbidden'),
    });
  });
});
