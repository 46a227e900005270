import { describe, expect, test } from '@jest/globals';
import { type Condition, findCondition } from '../../src/api/condition.ts';
import type { Pod } from '../../src/api/pod.ts';
import type { SandboxStatus } from '../../src/api/sandbox.ts';
import type { Workspace, WorkspaceHead } from '../../src/api/workspace.ts';
import type { Action } from '../../src/domain/action.ts';
import type { Observed } from '../../src/domain/observed.ts';
import { plan } from '../../src/domain/plan.ts';
import {
  aPodOf,
  aRunningPodOf,
  aSandbox,
  aSession,
  aTemplate,
  aWorkspace,
  heldBy,
  type SandboxBuilder,
} from '../support/resources.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const demo = aSandbox('demo').finalized();
const sandbox = demo.build();
const head: WorkspaceHead = {
  epoch: 2,
  sequence: 41,
  manifest: 'm',
  committedAt: '2026-01-01T11:59:00Z',
  files: 3,
  bytes: 9,
};

const planned = (of: SandboxBuilder, seen: Partial<Omit<Observed, 'sandbox'>> = {}): readonly Action[] =>
  plan({ now: NOW, sandbox: of.build(), template: aTemplate(), workspace: undefined, pod: undefined, ...seen });
const kinds = (actions: readonly Action[]): readonly string[] =>
  actions.map(({ kind }) => kind).filter((kind) => kind !== 'emitEvent');
const statusOf = (actions: readonly Action[]): SandboxStatus => {
  const write = actions.find(({ kind }) => kind === 'writeSandboxStatus');
  if (write?.kind !== 'writeSandboxStatus') throw new Error(`no status among ${kinds(actions).join(', ')}`);
  return write.status;
};
const said = (actions: readonly Action[], type: string): Condition | undefined =>
  findCondition(statusOf(actions).conditions, type);
const events = (actions: readonly Action[]): readonly string[] =>
  actions.flatMap((action) => (action.kind === 'emitEvent' ? [action.reason] : []));

const held = (session?: Parameters<typeof aSession>, more: Partial<Workspace['status']> = {}): Workspace =>
  aWorkspace('ann', {
    ...heldBy(sandbox),
    ...(session === undefined ? {} : { session: aSession(...session) }),
    ...more,
  });
const running = aRunningPodOf(sandbox);
const scheduled = (status: Pod['status'] = {}): Pod => aPodOf(sandbox, { phase: 'Pending', ...status }, 'node-1');
const waiting = (reason: string, message = ''): Pod =>
  scheduled({
    containerStatuses: [{ name: 'sandbox', ready: false, restartCount: 0, state: { waiting: { reason, message } } }],
  });
const terminating = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T11:00:00Z' },
});

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
    expect(events(actions)).toEqual(['WorkspaceRestored', 'Ready']);
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

describe('what cannot go on is replaced', () => {
  test('a failed pod is deleted, and the next one is made after a delay that grows', () => {
    const evicted = aPodOf(sandbox, { phase: 'Failed', reason: 'Evicted', message: 'low on disk' }, 'node-1');
    const actions = planned(demo, { workspace: held(['Open']), pod: evicted });
    expect(kinds(actions)).toEqual(['deletePod', 'writeSandboxStatus']);
    expect(said(actions, 'Ready')).toMatchObject({
      reason: 'PodFailed',
      message: expect.stringContaining('Evicted: low on disk') as unknown,
    });
    expect(statusOf(actions).podFailures).toMatchObject({ count: 1, podUid: 'uid-of-pod' });

    const again = demo.status({
      ...statusOf(actions),
      podFailures: { count: 3, podUid: 'x', lastTime: '2026-01-01T11:59:55Z' },
    });
    const delayed = planned(again, { workspace: aWorkspace('ann', { epoch: 3 }) });
    expect(delayed).toContainEqual({ kind: 'requeue', afterMs: 15_000 });
    expect(kinds(delayed)).not.toContain('createPod');
  });

  test('a pod whose epoch is over is deleted, if that is still so', () => {
    const [first] = planned(demo, { workspace: held(['Conflict']), pod: running });
    expect(first).toMatchObject({
      kind: 'deletePod',
      uid: 'uid-of-pod',
      assuming: [{ kind: 'workspaceUnchanged', workspace: { resourceVersion: '7' } }],
    });
  });

  test('an epoch that is over is given up before the next pod', () => {
    expect(kinds(planned(demo, { workspace: held(['Closed']) }))).toEqual([
      'writeSandboxStatus',
      'releaseWriter',
      'requeue',
    ]);
  });

  test('a pod that ends is not Ready from that moment on, and never deleted twice', () => {
    const actions = planned(demo, { workspace: held(['Open']), pod: terminating(running) });
    expect(kinds(actions)).toEqual(['writeSandboxStatus']);
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'PodTerminating' });
  });

  test('no pod is made while the home of the one before is on its node', () => {
    for (const state of ['Restoring', 'Open', 'Saving'] as const) {
      expect(kinds(planned(demo, { workspace: held([state]) }))).toEqual(['writeSandboxStatus']);
    }
  });
});

describe('a stop gives the workspace up last', () => {
  const stopped = demo.wanted('Stopped');

  test('the pod is deleted, if stopping is still what is wanted', () => {
    const actions = planned(stopped, { workspace: held(['Open']), pod: running });
    expect(actions[0]).toMatchObject({
      kind: 'deletePod',
      uid: 'uid-of-pod',
      assuming: [{ kind: 'sandboxSpecUnchanged', generation: 1 }],
    });
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'Stopping' });
  });

  test('a deletion cannot be taken back, so nothing is asked', () => {
    expect(planned(demo.deleted(), { workspace: held(['Open']), pod: running })[0]).toMatchObject({
      kind: 'deletePod',
      assuming: [],
    });
  });

  test.each([
    ['2', 2],
    ['0', 1],
    ['-1', undefined],
    ['soon', undefined],
  ])('the processes get as long as is said: %s', (said_, graceSeconds) => {
    const built = stopped.build();
    const annotated = {
      ...built,
      metadata: { ...built.metadata, annotations: { 'matrx.dev/stop-grace-seconds': said_ } },
    };
    const [first] = plan({
      now: NOW,
      sandbox: annotated,
      template: undefined,
      workspace: held(['Open']),
      pod: running,
    });
    expect(first?.kind === 'deletePod' ? first.graceSeconds : 'no deletion').toBe(graceSeconds);
  });

  test('while the home is being saved, nothing is given up', () => {
    for (const state of ['Restoring', 'Open', 'Saving'] as const) {
      expect(kinds(planned(demo.deleted(), { workspace: held([state]) }))).toEqual(['writeSandboxStatus']);
    }
  });

  test('an unreachable bucket is told, and the sandbox stays', () => {
    const workspace = held(['Saving', { reason: 'StorageUnreachable', message: 'connection refused', dirty: true }]);
    const actions = planned(stopped, { workspace });
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'StorageUnreachable' });
    expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status: 'False', reason: 'StorageUnreachable' });
  });

  test('once it is saved that is written down first, and then the lock is given up', () => {
    const actions = planned(stopped, { workspace: held(['Closed'], { head }) });
    expect(kinds(actions)).toEqual(['writeSandboxStatus', 'releaseWriter', 'requeue']);
    expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status: 'True', reason: 'Saved' });
    expect(statusOf(actions).workspace).toEqual({ name: 'ann', epoch: 3, sequence: 41, savedAt: head.committedAt });
  });

  test('a workspace that no node has opened is given up at once', () => {
    expect(kinds(planned(stopped, { workspace: held() }))).toContain('releaseWriter');
    expect(kinds(planned(stopped, { workspace: held(['Open', { epoch: 2 }]) }))).toContain('releaseWriter');
  });

  test('then a stopped sandbox rests, and says so', () => {
    const actions = planned(stopped, { workspace: aWorkspace('ann', { epoch: 3 }) });
    expect(said(actions, 'Ready')).toMatchObject({ status: 'False', reason: 'Stopped' });
    expect(statusOf(actions)).toMatchObject({
      phase: 'Stopped',
      stopReason: 'user_requested',
      stoppedAt: '2026-01-01T12:00:00Z',
    });
    expect(planned(stopped.status(statusOf(actions)), { workspace: aWorkspace('ann', { epoch: 3 }) })).toEqual([]);
  });

  test('a suspended one says Suspended', () => {
    expect(said(planned(demo.wanted('Suspended')), 'Ready')?.reason).toBe('Suspended');
  });

  test('and a deleted one loses its finalizer, if nothing of it is left', () => {
    const actions = planned(demo.deleted(), { workspace: aWorkspace('ann') });
    expect(actions[0]).toMatchObject({
      kind: 'removeSandboxFinalizer',
      finalizers: [],
      assuming: [{ kind: 'noPodOf' }, { kind: 'workspaceUnchanged' }],
    });
    expect(planned(aSandbox('demo').deleted())).toEqual([]);
  });

  test('what the sandbox had saved is still told when another one uses the workspace', () => {
    const saved = statusOf(planned(stopped, { workspace: held(['Closed'], { head }) }));
    const next = aSandbox('next').build();
    const workspace = aWorkspace('ann', { ...heldBy(next, 4), session: aSession('Open', { epoch: 4, dirty: true }) });
    const actions = planned(stopped.status(saved), { workspace });
    expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status: 'True', reason: 'Saved' });
    expect(statusOf(actions).workspace).toEqual(saved.workspace);
  });
});

describe('WorkspaceSaved is a promise', () => {
  const cases: readonly (readonly [string, string, string, Parameters<typeof aSession>])[] = [
    ['an open home without changes', 'True', 'Saved', ['Open']],
    ['an open home with changes', 'False', 'UnsavedChanges', ['Open', { dirty: true }]],
    [
      'an open home and no bucket',
      'False',
      'StorageUnreachable',
      ['Open', { dirty: true, reason: 'StorageUnreachable' }],
    ],
    ['a full disk', 'False', 'NodeDiskFull', ['Open', { reason: 'NodeDiskFull' }]],
    ['a home that is being saved', 'False', 'SavingWorkspace', ['Saving']],
    ['a saved home', 'True', 'Saved', ['Closed']],
    ['a fenced home', 'False', 'Fenced', ['Conflict']],
    ['a home that is being filled', 'True', 'Saved', ['Restoring']],
  ];
  test.each(cases)('%s: %s, %s', (_what, status, reason, session) => {
    const actions = planned(demo, { workspace: held(session, { head }), pod: terminating(running) });
    expect(said(actions, 'WorkspaceSaved')).toMatchObject({ status, reason });
  });

  test('of an ephemeral home nothing is', () => {
    expect(said(planned(demo.ephemeral(), { pod: running }), 'WorkspaceSaved')).toMatchObject({
      status: 'False',
      reason: 'Ephemeral',
    });
  });

  test('commits every few seconds are no events, a trouble and the end of a session are', () => {
    const open = { workspace: held(['Open'], { head }), pod: running };
    const clean = demo.status(statusOf(planned(demo, open)));
    const dirty = planned(clean, { ...open, workspace: held(['Open', { dirty: true }], { head }) });
    expect(events(dirty)).toEqual([]);
    const cut = planned(clean, { ...open, workspace: held(['Open', { reason: 'StorageUnreachable' }], { head }) });
    expect(events(cut)).toEqual(['StorageUnreachable']);
    const again = planned(demo.status(statusOf(cut)), open);
    expect(events(again)).toEqual(['Saved']);
  });
});

describe('the events of a stop', () => {
  test('tell each turn once', () => {
    const stopping = demo.wanted('Stopped');
    let status = statusOf(planned(demo, { workspace: held(['Open'], { head }), pod: running }));
    const told = (workspace: Workspace, pod: Pod | undefined): readonly string[] => {
      const actions = planned(stopping.status(status), { workspace, pod });
      status = statusOf(actions);
      return events(actions);
    };
    const ending = terminating(running);
    expect(told(held(['Open'], { head }), running)).toEqual(['Stopping']);
    expect(told(held(['Open'], { head }), ending)).toEqual([]);
    expect(told(held(['Saving'], { head }), ending)).toEqual(['Saving']);
    expect(told(held(['Closed'], { head }), ending)).toEqual(['Saved']);
    expect(told(held(['Closed'], { head }), undefined)).toEqual(['WriterReleased']);
    expect(told(aWorkspace('ann', { epoch: 3 }), undefined)).toEqual(['Stopped']);
  });
});

describe('the status', () => {
  test('keeps a transition time while the status stays, whatever the reason', () => {
    const first = statusOf(planned(demo, { workspace: held(), pod: aPodOf(sandbox) }));
    const later = plan({
      now: NOW + 60_000,
      sandbox: demo.status(first).build(),
      template: aTemplate(),
      workspace: held(['Open']),
      pod: waiting('ErrImagePull'),
    });
    expect(said(later, 'Ready')).toMatchObject({
      reason: 'ImagePullFailed',
      lastTransitionTime: '2026-01-01T12:00:00Z',
    });
  });

  test('startedAt belongs to one pod, and survives a moment of not being ready', () => {
    const open = { workspace: held(['Open']), pod: running };
    const started = statusOf(planned(demo, open));
    const unready = plan({
      ...open,
      now: NOW + 5_000,
      sandbox: demo.status(started).build(),
      template: aTemplate(),
      pod: scheduled({ phase: 'Running' }),
    });
    expect(statusOf(unready).startedAt).toBe(started.startedAt);
    const nextPod = { ...running, metadata: { ...running.metadata, uid: 'uid-of-next-pod' } };
    const next = plan({
      ...open,
      now: NOW + 9_000,
      sandbox: demo.status(started).build(),
      template: aTemplate(),
      pod: nextPod,
    });
    expect(statusOf(next).startedAt).toBe('2026-01-01T12:00:09Z');
  });

  test('messages of others are cut to what the API takes', () => {
    const actions = planned(demo, {
      workspace: held(),
      refusal: { reason: 'PodRefused', message: 'x'.repeat(99_999) },
    });
    expect(said(actions, 'Ready')?.message.length).toBeLessThanOrEqual(2_048);
  });
});
