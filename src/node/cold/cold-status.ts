import { rfc3339 } from '../../base/clock.ts';
import { canonicalJson, type Json } from '../../base/json.ts';
import type { JsonPatchOperation } from '../../kube/client.ts';
import type { ColdState, ColdUsage, WorkspaceCold } from '../../api/workspace-cold.ts';
import type { ColdView } from './cold-mount.ts';
import type { ColdRecord } from './cold-record.ts';

/** All that a cold volume has to say about itself. */
export interface ColdVolumeView {
  readonly record: ColdRecord;
  readonly cold: ColdView;
  /** kubelet's folder is free of it. */
  readonly detached: boolean;
  /** Everything is in the bucket. */
  readonly closed: boolean;
  /** What was counted when it was. */
  readonly usage?: ColdUsage;
}

type Untimed = Omit<WorkspaceCold, 'updatedAt'>;

/** The status message field ends at 4096 characters. */
const LONGEST_MESSAGE = 1000;

const stateOf = ({ record, cold, closed }: ColdVolumeView): ColdState => {
  if (closed) return 'Closed';
  if (record.released) return 'Draining';
  if (cold.state === 'Mounted' || cold.state === 'Failed') return cold.state;
  return 'Mounting';
};

const coldOf = (view: ColdVolumeView, node: string): Untimed => {
  const state = stateOf(view);
  const { failure, isolation, queue } = view.cold;
  return {
    epoch: view.record.epoch,
    node,
    state,
    ...(failure === undefined || state === 'Closed'
      ? {}
      : { reason: failure.reason, message: failure.message.slice(0, LONGEST_MESSAGE) }),
    ...(isolation === undefined ? {} : { isolation }),
    ...(queue === undefined || state !== 'Draining' ? {} : { unsent: { files: queue.files, bytes: queue.bytes } }),
  };
};

/** Equal for views that say the same: such a view is not written again. */
export const coldKey = (view: ColdVolumeView, node: string): string =>
  canonicalJson([coldOf(view, node), view.usage ?? null]);

/** As a session's patch: refused unless this very Sandbox is still the writer and the epoch still ours. */
export const coldPatch = (view: ColdVolumeView, node: string, now: number): readonly JsonPatchOperation[] => [
  { op: 'test', path: '/status/writer/epoch', value: view.record.epoch },
  { op: 'test', path: '/status/writer/uid', value: view.record.sandboxUid },
  { op: 'add', path: '/status/cold', value: { ...coldOf(view, node), updatedAt: rfc3339(now) } as Json },
  ...(view.usage === undefined ? [] : [{ op: 'add' as const, path: '/status/coldUsage', value: view.usage as Json }]),
];

/**
 * That a volume is closed whose epoch was given up, because this node was lost: refused unless it is still what the
 * Workspace says of cold storage. Until this is said, no other node mounts it.
 */
export const lateClosePatch = (view: ColdVolumeView, node: string, now: number): readonly JsonPatchOperation[] => [
  { op: 'test', path: '/status/cold/epoch', value: view.record.epoch },
  { op: 'test', path: '/status/cold/node', value: node },
  { op: 'add', path: '/status/cold', value: { ...coldOf(view, node), updatedAt: rfc3339(now) } as Json },
];
