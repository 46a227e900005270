import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import type { WorkspaceCold } from '../../src/api/workspace-cold.ts';
import { desiredPod, hasColdVolume } from '../../src/domain/desired-pod.ts';
import { planWorkspace } from '../../src/domain/plan-workspace.ts';
import { plan } from '../../src/domain/plan.ts';
import { nextEpoch } from '../../src/domain/writer.ts';
import { aSandbox, aTemplate, aWorkspace } from '../support/resources.ts';
import {
  demo,
  events,
  head,
  held,
  kinds,
  NOW,
  planned,
  running,
  said,
  sandbox,
  statusOf,
  terminating,
} from './planning.ts';

const cold = (state: WorkspaceCold['state'], more: Partial<WorkspaceCold> = {}): WorkspaceCold => ({
  epoch: 3,
  node: 'node-1',
  state,
  updatedAt: '2026-01-01T12:00:00Z',
  ...more,
});
const draining = cold('Draining', { unsent: { files: 12, bytes: 3 * 2 ** 20 } });
const UPLOADING = '12 files of cold storage (3.0 MiB) are on node node-1 and are being uploaded';
const withCold: Pod = desiredPod(sandbox, aTemplate(), { hasCold: true });
const runningWithCold: Pod = { ...running, spec: { ...running.spec, ...withCold.spec } };
const stopped = demo.wanted('Stopped');

describe('the pod of a sandbox with cold storage', () => {
  const volumeNames = (pod: Pod) =>
    (pod.spec?.['volumes'] as readonly { name: string }[] | undefined)?.map(({ name }) => name);

  test('sees what is mounted later below a volume of its own', () => {
    expect(withCold.spec?.['volumes']).toContainEqual({
      name: 'cold',
      csi: { driver: 'workspace.matrx.dev', volumeAttributes: { tier: 'cold' } },
    });
    const containers = withCold.spec?.['containers'] as readonly { volumeMounts: readonly object[] }[];
    expect(containers[0]?.volumeMounts).toContainEqual({
      name: 'cold',
      mountPath: '/data',
      mountPropagation: 'HostToContainer',
    });
  });

  test('is mounted by the program that the template names', () => {
    const template = aTemplate('default', { cold: { enabled: true, driver: 'mount-s3' } });
    expect(desiredPod(sandbox, template, { hasCold: true }).spec?.['volumes']).toContainEqual({
      name: 'cold',
      csi: { driver: 'workspace.matrx.dev', volumeAttributes: { tier: 'cold', driver: 'mount-s3' } },
    });
  });

  test('has none where it is off in the installation or the template, or where the sandbox is ephemeral', () => {
    expect(volumeNames(desiredPod(sandbox, aTemplate()))).not.toContain('cold');
    const off = aTemplate('default', { cold: { enabled: false, driver: 'rclone' } });
    expect(volumeNames(desiredPod(sandbox, off, { hasCold: true }))).not.toContain('cold');
    const ephemeral = aSandbox('demo').ephemeral().build();
    expect(volumeNames(desiredPod(ephemeral, aTemplate(), { hasCold: true }))).not.toContain('cold');
  });
});

describe('ColdMounted', () => {
  const verdict = (of: WorkspaceCold | undefined, pod: Pod = runningWithCold) =>
    statusOf(planned(demo, { pod, workspace: held(['Open'], of === undefined ? {} : { cold: of }) }));
  const conditionOf = (...args: Parameters<typeof verdict>) =>
    verdict(...args).conditions?.find(({ type }) => type === 'ColdMounted');

  test('is true with the isolation that is in force', () => {
    expect(conditionOf(cold('Mounted', { isolation: 'prefix' }))).toMatchObject({
      status: 'True',
      reason: 'Mounted',
      message: "its credentials reach this user's files alone",
    });
  });

  test('is false with the reason when it cannot be mounted, and the sandbox is Ready all the same', () => {
    const status = verdict(cold('Failed', { reason: 'MountFailed', message: 'this node has no /dev/fuse' }));
    expect(status.conditions?.find(({ type }) => type === 'ColdMounted')).toMatchObject({
      status: 'False',
      reason: 'MountFailed',
      message: 'the sandbox runs without it: this node has no /dev/fuse',
    });
    expect(status.phase).toBe('Ready');
  });

  test('is an event when it fails, once', () => {
    const workspace = held(['Open'], { cold: cold('Failed', { reason: 'MountFailed', message: 'no /dev/fuse' }) });
    const actions = planned(demo, { pod: runningWithCold, workspace });
    expect(events(actions)).toContain('MountFailed');
    const told = { ...sandbox, status: statusOf(actions) };
    const again = plan({ now: NOW, sandbox: told, template: aTemplate(), workspace, pod: runningWithCold });
    expect(events(again)).not.toContain('MountFailed');
  });

  test('is not there where the pod has no such volume', () => {
    expect(conditionOf(undefined, running)).toBeUndefined();
    expect(conditionOf(undefined)).toMatchObject({ status: 'False', reason: 'NotStarted' });
  });

  test('does not repeat what was said of an older epoch', () => {
    expect(conditionOf(cold('Mounted', { epoch: 2 }))).toMatchObject({ status: 'False', reason: 'NotStarted' });
  });
});

describe('a sandbox that ends with files of cold storage that are not uploaded', () => {
  const workspace = held(['Closed'], { cold: draining, head });

  test('shows the queue while its pod is ending, and when that is gone', () => {
    for (const pod of [terminating(runningWithCold), undefined]) {
      const actions = planned(stopped, { workspace, pod });
      expect(said(actions, 'Ready')).toMatchObject({ reason: 'SavingWorkspace', message: UPLOADING });
      expect(said(actions, 'ColdMounted')).toMatchObject({ status: 'False', reason: 'UploadingFiles' });
      expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status: 'False', reason: 'UploadingFiles' });
      expect(kinds(actions)).not.toContain('releaseWriter');
    }
  });

  test('keeps the workspace until they are', () => {
    const closed = held(['Closed'], { cold: cold('Closed'), head });
    expect(kinds(planned(stopped, { workspace: closed }))).toContain('releaseWriter');
  });

  test('gets no new pod before they are', () => {
    expect(kinds(planned(demo, { workspace }))).toEqual(['writeSandboxStatus']);
    const unopened = held(undefined, { cold: draining });
    expect(kinds(planned(demo, { workspace: unopened }))).toEqual(['writeSandboxStatus']);
  });

  test('keeps the workspace also when its Sandbox was removed by force', () => {
    const orphaned = (of: WorkspaceCold) =>
      planWorkspace({
        now: NOW,
        workspace: held(['Closed'], { cold: of }),
        holder: undefined,
        pod: undefined,
      });
    expect(kinds(orphaned(draining))).not.toContain('releaseWriter');
    expect(kinds(orphaned(cold('Closed')))).toContain('releaseWriter');
  });
});

test('the next epoch is above what cold storage has shown', () => {
  expect(nextEpoch(aWorkspace('ann', { cold: cold('Closed', { epoch: 7 }) }))).toBe(8);
});

describe('cold storage of a node that was lost', () => {
  const nodes = (...names: readonly string[]) =>
    new Map(
      names.map((name) => [name, { metadata: { name }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }]),
    );
  const pod = (state: 'Mounted' | 'Closed', known: ReturnType<typeof nodes>) => {
    const workspace = held(undefined, {
      cold: { epoch: 2, node: 'node-1', state, updatedAt: '2026-01-01T00:00:00Z' },
    });
    const actions = plan({
      now: NOW,
      sandbox: demo.build(),
      template: aTemplate(),
      installation: { hasCold: true },
      workspace,
      pod: undefined,
      nodes: known,
    });
    const create = actions.find(({ kind }) => kind === 'createPod');
    return create?.kind === 'createPod' ? create.pod : undefined;
  };
  const hasCold = (created: Pod | undefined) => created !== undefined && hasColdVolume(created);

  test('is not mounted elsewhere while the node may still send files, whatever else is Ready', () => {
    expect(hasCold(pod('Mounted', nodes('node-1', 'node-2')))).toBe(false);
    expect(pod('Mounted', nodes('node-1', 'node-2'))).toBeDefined();
  });

  test('is mounted once the node has sent them, or is deleted from the cluster', () => {
    expect(hasCold(pod('Closed', nodes('node-1', 'node-2')))).toBe(true);
    expect(hasCold(pod('Mounted', nodes('node-2')))).toBe(true);
  });
});
