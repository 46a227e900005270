import type { SessionRecord } from '../../../src/node/session-record.ts';

/** A journal of user ann's first session; `with` changes what a test is about. */
export const aRecord = (change: Partial<SessionRecord> = {}): SessionRecord => ({
  format: 1,
  namespace: 'sandboxes',
  sandbox: 'demo',
  sandboxUid: 'sandbox-uid',
  pod: 'demo',
  podUid: 'pod-uid',
  userId: 'ann',
  workspace: 'ann',
  prefix: 'users/ann/',
  epoch: 1,
  volumeId: 'csi-1',
  target: '/var/lib/kubelet/pods/pod-uid/volumes/kubernetes.io~csi/home/mount',
  state: 'Restoring',
  released: false,
  stored: false,
  ...change,
});
