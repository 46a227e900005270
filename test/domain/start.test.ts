import { describe, expect, test } from '@jest/globals';
import type { Observed } from '../../src/domain/observed.ts';
import { aPodOf, aSandbox, aSession, aWorkspace, heldBy } from '../support/resources.ts';
import {
  demo,
  sandbox,
  head,
  planned,
  kinds,
  statusOf,
  said,
  events,
  held,
  running,
  scheduled,
  waiting,
} from './planning.ts';

describe('a start goes one step after the other', () => {
  test('the finalizer comes before anything else', () => {
    expect(kinds(planned(aSandbox('demo')))).toEqual(['addSandboxFinalizer', 'requeue']);
  });

  test('then the workspace is made', () => {
    expect(planned(demo)).toContainEqual(
      expect.objectContaining({
        kind: 'createWorkspace',
        workspace: expect.objectContaining({ spec: { userId: 'ann' } }) as unknown,
      }),
    );
  });

  test('then its lock is taken, with an epoch above every one it has shown', () => {
    const workspace = aWorkspace('ann', {
      epoch: 4,
      session: aSession('Closed', { epoch: 4 }),
      head: { ...head, epoch: 9 },
    });
    const [acquire] = planned(demo, { workspace });
    expect(acquire).toMatchObject({
      kind: 'acquireWriter',
      workspace: { name: 'ann', resourceVersion: '7' },
      writer: { sandbox: 'demo', uid: 'uid-of-demo', epoch: 10 },
    });
  });

  test('then the pod is made', () => {
    expect(kinds(planned(demo, { workspace: held() }))).toEqual(['createPod', 'requeue']);
  });

  test('then the pod’s uid is written down, which the node driver waits for', () => {
    const status = statusOf(planned(demo, { workspace: held(), pod: aPodOf(sandbox) }));
    expect(status).toMatchObject({ podName: 'demo', podUid: 'uid-of-pod', workspace: { name: 'ann', epoch: 3 } });
  });

  test('an ephemeral sandbox needs no workspace', () => {
    expect(kinds(planned(demo.ephemeral()))).toEqual(['createPod', 'requeue']);
  });

  test('a named workspace is another object', () => {
    const [create] = planned(demo.inWorkspace({ name: 'work', ephemeral: false }));
    expect(create).toMatchObject({ kind: 'createWorkspace', workspace: { metadata: { name: 'ann.work' } } });
  });
});

describe('Ready says what a start waits for', () => {
  const other = aSandbox('other').build();
  const cases: readonly (readonly [string, string, RegExp, Partial<Omit<Observed, 'sandbox'>>])[] = [
    ['a missing template', 'TemplateNotFound', /SandboxTemplate default/u, { template: undefined }],
    [
      'another sandbox’s workspace',
      'WorkspaceInUse',
      /in use by sandbox other/u,
      { workspace: aWorkspace('ann', heldBy(other)) },
    ],
    [
      'a workspace of somebody else',
      'WorkspaceMismatch',
      /belongs to user bob/u,
      { workspace: { ...aWorkspace('ann'), spec: { userId: 'bob' } } },
    ],
    [
      'a workspace that is being deleted',
      'WaitingForWorkspace',
      /being deleted/u,
      {
        workspace: {
          ...aWorkspace('ann'),
          metadata: { ...aWorkspace('ann').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
        },
      },
    ],
    [
      'somebody else’s pod',
      'PodNameTaken',
      /belongs to nobody/u,
      { pod: { metadata: { name: 'demo' } }, workspace: held() },
    ],
    [
      'a refused pod',
      'PodRefused',
      /exceeded quota/u,
      { workspace: held(), refusal: { reason: 'PodRefused', message: 'exceeded quota: cpu' } },
    ],
    [
      'a node that has room',
      'Unschedulable',
      /0\/1 nodes/u,
      {
        workspace: held(),
        pod: aPodOf(sandbox, {
          conditions: [
            { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available' },
          ],
        }),
      },
    ],
    ['the scheduler', 'CreatingPod', /waits for a node/u, { workspace: held(), pod: aPodOf(sandbox) }],
    ['the node driver', 'RestoringWorkspace', /node-1 has yet to open/u, { workspace: held(), pod: scheduled() }],
    [
      'the restore, with its progress',
      'RestoringWorkspace',
      /restored on node node-1: 3 of 9 files/u,
      { workspace: held(['Restoring', { message: '3 of 9 files' }]), pod: scheduled() },
    ],
    [
      'the bucket',
      'StorageUnreachable',
      /connection refused/u,
      {
        workspace: held(['Restoring', { reason: 'StorageUnreachable', message: 'connection refused' }]),
        pod: scheduled(),
      },
    ],
    [
      'the image',
      'ImagePullFailed',
      /ErrImagePull: not found/u,
      { workspace: held(['Open']), pod: waiting('ErrImagePull', 'not found') },
    ],
    [
      'a container that crashes',
      'ContainerFailing',
      /CrashLoopBackOff/u,
      { workspace: held(['Open']), pod: waiting('CrashLoopBackOff') },
    ],
    [
      'a container that was killed for want of memory again and again',
      'ContainerFailing',
      /^CrashLoopBackOff: back-off 40s; it last ended with exit code 137 \(OOMKilled\); restarts so far: 4$/u,
      {
        workspace: held(['Open']),
        pod: scheduled({
          containerStatuses: [
            {
              name: 'sandbox',
              ready: false,
              restartCount: 4,
              state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s' } },
              lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
            },
          ],
        }),
      },
    ],
    [
      'the container',
      'ContainersStarting',
      /being started/u,
      { workspace: held(['Open']), pod: waiting('ContainerCreating') },
    ],
    [
      'the home of the pod before',
      'SavingWorkspace',
      /previous pod is gone; the home is on node node-1/u,
      { workspace: held(['Saving']) },
    ],
  ];
  test.each(cases)('%s: %s', (_what, reason, message, seen) => {
    const ready = said(planned(demo, seen), 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason });
    expect(ready?.message).toMatch(message);
  });

  test('nothing: the pod is ready and the home open', () => {
    const actions = planned(demo, { workspace: held(['Open']), pod: running });
    expect(said(actions, 'Ready')).toMatchObject({ status: 'True', reason: 'PodReady' });
    expect(said(actions, 'WorkspaceRestored')).toMatchObject({ status: 'True', reason: 'Restored' });
    expect(said(actions, 'Reconciling')).toBeUndefined();
    expect(statusOf(actions)).toMatchObject({
      phase: 'Ready',
      podIP: '10.0.0.9',
      node: 'node-1',
      startedAt: '2026-01-01T12:00:00Z',
    });
    expect(events(actions)).toEqual(['Ready']);
  });

  test('a ready pod whose home nobody has opened is not Ready', () => {
    expect(said(planned(demo, { workspace: held(), pod: running }), 'Ready')?.status).toBe('False');
  });

  test('Stalled where only a person can help, Reconciling where waiting helps', () => {
    const stalled = planned(demo, { template: undefined });
    expect([said(stalled, 'Stalled')?.status, said(stalled, 'Reconciling')]).toEqual(['True', undefined]);
    const moving = planned(demo, { workspace: held(), pod: scheduled() });
    expect([said(moving, 'Stalled'), said(moving, 'Reconciling')?.status]).toEqual([undefined, 'True']);
  });
});
