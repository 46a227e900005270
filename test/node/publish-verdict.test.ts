import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../../src/api/pod.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { TokenReview } from '../../src/api/token-review.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { judgePod, judgeSandbox, judgeToken, judgeWorkspace } from '../../src/node/publish-verdict.ts';

const identity = { namespace: 'sandboxes', pod: 'demo', podUid: 'pod-uid' };
const owner = { sandbox: 'demo', sandboxUid: 'sandbox-uid' };
const claim = { userId: 'ann', workspace: 'ann', prefix: 'users/ann/' };

const aReview = (change: NonNullable<TokenReview['status']> = {}): TokenReview => ({
  metadata: { name: '' },
  spec: { token: 't', audiences: [] },
  status: {
    authenticated: true,
    audiences: ['workspace.matrx.dev'],
    user: {
      username: 'system:serviceaccount:sandboxes:default',
      extra: {
        'authentication.kubernetes.io/pod-name': ['demo'],
        'authentication.kubernetes.io/pod-uid': ['pod-uid'],
      },
    },
    ...change,
  },
});

const reference = { apiVersion: 'matrx.dev/v1alpha1', kind: 'Sandbox', name: 'demo', uid: 'sandbox-uid' };
const aPod = (change: object = {}): Pod => ({
  metadata: { name: 'demo', uid: 'pod-uid', ownerReferences: [{ ...reference, controller: true }] },
  spec: { nodeName: 'node-1' },
  ...change,
});

const aSandbox = (spec: object = {}, status: object = { podName: 'demo', podUid: 'pod-uid' }): Sandbox =>
  ({ metadata: { name: 'demo', uid: 'sandbox-uid' }, spec: { userId: 'ann', ...spec }, status }) as unknown as Sandbox;

const aWorkspace = (status: object = {}, userId = 'ann'): Workspace => ({
  metadata: { name: 'ann' },
  spec: { userId },
  status: { writer: { sandbox: 'demo', uid: 'sandbox-uid', epoch: 7, acquiredAt: '' }, ...status },
});

describe('the token', () => {
  test('proves the pod it is bound to', () => {
    expect(judgeToken(aReview(), 'sandboxes')).toEqual({ kind: 'granted', value: identity });
  });

  test.each([
    ['is not authentic', aReview({ authenticated: false, error: 'expired' }), 'TokenRejected', /expired/],
    ['is for another audience', aReview({ audiences: ['sts'] }), 'TokenRejected', /does not accept/],
    [
      'is bound to no pod',
      aReview({ user: { username: 'system:serviceaccount:sandboxes:d' } }),
      'TokenRejected',
      /bound/,
    ],
    ['is a person’s', aReview({ user: { username: 'ann' } }), 'TokenRejected', /bound/],
    ['was never reviewed', { metadata: { name: '' }, spec: { token: '', audiences: [] } }, 'TokenRejected', /accept/],
  ])('that %s is refused', (_name, review, reason, message) => {
    expect(judgeToken(review, 'sandboxes')).toMatchObject({ reason, message: expect.stringMatching(message) });
  });

  test('of another namespace is refused by name', () => {
    expect(judgeToken(aReview(), 'elsewhere')).toMatchObject({
      reason: 'ForeignNamespace',
      message: 'pod sandboxes/demo cannot mount a workspace: only the pods of Sandboxes in namespace elsewhere can',
    });
  });
});

describe('the pod', () => {
  test('names its Sandbox', () => {
    expect(judgePod(aPod(), identity, 'node-1')).toEqual({ kind: 'granted', value: owner });
  });

  test.each([
    ['is gone', undefined, 'PodNotFound'],
    ['was replaced', aPod({ metadata: { name: 'demo', uid: 'other' } }), 'PodNotFound'],
    ['is on another node', aPod({ spec: { nodeName: 'node-2' } }), 'OtherNode'],
    ['has no owner', aPod({ metadata: { name: 'demo', uid: 'pod-uid' } }), 'NotASandboxPod'],
    [
      'is owned, but not controlled, by a Sandbox',
      aPod({ metadata: { name: 'demo', uid: 'pod-uid', ownerReferences: [reference] } }),
      'NotASandboxPod',
    ],
    [
      'is controlled by something else of that name',
      aPod({
        metadata: {
          name: 'demo',
          uid: 'pod-uid',
          ownerReferences: [{ ...reference, apiVersion: 'evil.dev/v1', controller: true }],
        },
      }),
      'NotASandboxPod',
    ],
  ])('that %s is refused', (_name, pod, reason) => {
    expect(judgePod(pod, identity, 'node-1')).toMatchObject({ kind: 'refused', reason });
  });
});

describe('the Sandbox', () => {
  test('leads to the workspace of its user', () => {
    expect(judgeSandbox(aSandbox(), owner, identity)).toEqual({ kind: 'granted', value: claim });
    expect(judgeSandbox(aSandbox({ workspace: { name: 'blog', ephemeral: false } }), owner, identity)).toEqual({
      kind: 'granted',
      value: { userId: 'ann', workspace: 'ann.blog', prefix: 'users/ann/workspaces/blog/' },
    });
  });

  test('that has not recorded its pod is waited for', () => {
    expect(judgeSandbox(aSandbox({}, {}), owner, identity).kind).toBe('notYet');
  });

  test.each([
    ['is gone', undefined, 'SandboxNotFound'],
    ['was replaced', { ...aSandbox(), metadata: { name: 'demo', uid: 'new' } }, 'SandboxNotFound'],
    ['recorded another pod', aSandbox({}, { podName: 'demo', podUid: 'other' }), 'NotTheSandboxsPod'],
    ['recorded a pod of another name', aSandbox({}, { podName: 'real', podUid: 'pod-uid' }), 'NotTheSandboxsPod'],
    ['is ephemeral', aSandbox({ workspace: { ephemeral: true } }), 'NoWorkspace'],
  ])('that %s is refused', (_name, sandbox, reason) => {
    expect(judgeSandbox(sandbox, owner, identity)).toMatchObject({ kind: 'refused', reason });
  });
});

describe('the Workspace', () => {
  const session = (change: object): object => ({ session: { epoch: 7, node: 'node-1', state: 'Open', ...change } });

  test.each([
    ['never opened', {}],
    ['opened by an older epoch elsewhere', session({ epoch: 6, node: 'node-2' })],
    ['open here already', session({})],
  ])('%s gives its epoch', (_name, status) => {
    expect(judgeWorkspace(aWorkspace(status), claim, owner, 'node-1')).toEqual({ kind: 'granted', value: 7 });
  });

  test.each([
    ['without a writer', { writer: undefined }],
    ['whose epoch is still open on another node', session({ node: 'node-2' })],
  ])('%s is waited for', (_name, status) => {
    expect(judgeWorkspace(aWorkspace(status), claim, owner, 'node-1').kind).toBe('notYet');
  });

  test.each([
    ['that is gone', undefined, 'NoWorkspace'],
    ['of another user', aWorkspace({}, 'bob'), 'OtherUsersWorkspace'],
    ['that another Sandbox writes', aWorkspace({ writer: { sandbox: 'x', uid: 'y', epoch: 8 } }), 'OtherWriter'],
    ['whose epoch is closed', aWorkspace(session({ state: 'Closed' })), 'SessionOver'],
    ['whose epoch is in conflict', aWorkspace(session({ state: 'Conflict' })), 'SessionOver'],
  ])('%s is refused', (_name, workspace, reason) => {
    expect(judgeWorkspace(workspace, claim, owner, 'node-1')).toMatchObject({ kind: 'refused', reason });
  });
});
