import { expect, it } from '@jest/globals';
import type { Action } from '../../src/domain/action.ts';
import { describeAction } from '../../src/domain/describe-action.ts';

const seen = (name: string) => ({ name, uid: `uid-of-${name}`, resourceVersion: '1' });

it.each<[Action, string]>([
  [
    { kind: 'deletePod', name: 'demo', uid: 'u', graceSeconds: 5, assuming: [] },
    'delete the pod demo, with 5 s until it is killed',
  ],
  [
    { kind: 'deletePod', name: 'demo', uid: 'u', forget: true, assuming: [{ kind: 'nodeLost', node: 'a' }] },
    'forget the pod demo, provided that the node a is lost',
  ],
  [
    {
      kind: 'releaseWriter',
      workspace: seen('user-ann'),
      epoch: 3,
      assuming: [
        { kind: 'noPodOf', podName: 'demo', sandboxUid: 'u' },
        { kind: 'sandboxGone', name: 'demo', uid: 'u' },
      ],
    },
    'give up the Workspace user-ann, epoch 3, provided that there is no pod demo of it and the Sandbox demo is gone',
  ],
  [
    {
      kind: 'removeSandboxFinalizer',
      sandbox: seen('demo'),
      finalizers: [],
      assuming: [
        { kind: 'workspaceUnchanged', workspace: seen('user-ann') },
        { kind: 'workspaceAbsent', name: 'user-bob' },
      ],
    },
    'take the finalizer off the Sandbox demo, provided that the Workspace user-ann is as it was seen and there is no Workspace user-bob',
  ],
  [
    {
      kind: 'deleteSandbox',
      sandbox: seen('demo'),
      assuming: [
        { kind: 'sandboxUnchanged', sandbox: seen('demo') },
        { kind: 'sandboxSpecUnchanged', name: 'demo', uid: 'u', generation: 2 },
      ],
    },
    'delete the record of the finished Sandbox demo, provided that the Sandbox demo is as it was seen and the spec of the Sandbox demo is as it was seen',
  ],
  [
    {
      kind: 'acquireWriter',
      workspace: seen('user-ann'),
      writer: { sandbox: 'demo', uid: 'u', epoch: 4, acquiredAt: '2026-01-01T00:00:00Z' },
    },
    'make the Sandbox demo the writer of the Workspace user-ann, epoch 4',
  ],
  [{ kind: 'writeSandboxStatus', sandbox: seen('demo'), status: {} }, 'write the status of the Sandbox demo'],
  [
    { kind: 'emitEvent', type: 'Warning', reason: 'PodFailed', note: 'it has ended' },
    'tell the event PodFailed (Warning): it has ended',
  ],
  [{ kind: 'requeue', afterMs: 0 }, 'look again at once'],
  [{ kind: 'requeue', afterMs: 1500 }, 'look again in 2 s'],
])('%j is told in words', (action, words) => {
  expect(describeAction(action)).toBe(words);
});
