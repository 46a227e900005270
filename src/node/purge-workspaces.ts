import { FIELD_MANAGER_NODE, LABEL_PURGE } from '../api/names.ts';
import { workspaceName, workspacePrefix } from '../api/workspace-id.ts';
import type { Workspace } from '../api/workspace.ts';
import type { WorkspacePurge } from '../api/workspace-purge.ts';
import { rfc3339, type Clock } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import type { Random } from '../base/random.ts';
import type { JsonPatchOperation, KubeClient } from '../kube/client.ts';
import { isKubeError } from '../kube/errors.ts';
import { WORKSPACES } from '../kube/resource-types.ts';
import { unchanged } from '../kube/unchanged.ts';
import { makeInformer } from '../runtime/informer.ts';
import type { Log } from '../telemetry/log.ts';
import type { ObjectStore, StoreError } from '../workspace/object-store.ts';
import { purgeTiers } from '../workspace/tiers.ts';
import { makeChangeSignal } from './change-signal.ts';

export interface PurgeDeps {
  readonly kube: Pick<KubeClient, 'get' | 'list' | 'watch' | 'jsonPatch'>;
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly namespace: string;
  readonly node: string;
}

/** How often is looked at what others have taken on, in milliseconds; a failed attempt of our own is repeated as often. */
const EVERY_MS = 30_000;
/** A driver that says nothing for so long is taken the purge from, in milliseconds: deleting twice does no harm. */
const SILENT_MS = 120_000;
/** How often the count of a long purge is written, in milliseconds. */
const REPORT_MS = 15_000;
/** More would be a message that the status does not take. */
const LONGEST_MESSAGE = 1000;

/**
 * Deletes from the bucket what Workspaces have there whose deletionPolicy is Purge, once the controller has asked for it
 * by a label: it has no credential for the bucket itself. The drivers of all nodes see each; one takes it on, by a write
 * that the API server takes from the first alone. The status says that nothing is left only after a listing which found
 * nothing; that the Workspace goes after that is the controller's doing. Runs until `signal` is aborted. Never rejects.
 */
export const purgeWorkspaces = async (deps: PurgeDeps, signal: AbortSignal): Promise<void> => {
  const { kube, clock, random, log, node } = deps;
  const workspaces = makeInformer<Workspace>({
    client: kube,
    clock,
    random,
    log,
    type: WORKSPACES,
    selection: { namespace: deps.namespace, labelSelector: LABEL_PURGE },
  });
  const change = makeChangeSignal(clock);
  const notBefore = new Map<string, number>();
  const isDue = (workspace: Workspace): boolean =>
    isPurgeable(workspace) &&
    isFree(workspace, node, clock.now()) &&
    (notBefore.get(workspace.metadata.uid ?? '') ?? 0) <= clock.monotonic();
  const due = (): Workspace | undefined => workspaces.store.list().find(isDue);
  workspaces.onChange(({ kind, object }) => {
    if (kind === 'deleted') notBefore.delete(object.metadata.uid ?? '');
    change.notify();
  });
  const running = workspaces.run(signal);
  while (!signal.aborted) {
    const next = due();
    if (next === undefined) {
      await change.until(() => due() !== undefined, EVERY_MS, signal).catch(() => undefined);
      continue;
    }
    notBefore.set(next.metadata.uid ?? '', clock.monotonic() + EVERY_MS);
    await purge(deps, next, signal);
  }
  await running;
};

/** Of what is being deleted, asks for it, has no writer, and has the name that its prefix follows from. */
const isPurgeable = ({ metadata, spec, status }: Workspace): boolean =>
  metadata.deletionTimestamp !== undefined &&
  metadata.labels?.[LABEL_PURGE] !== undefined &&
  spec.deletionPolicy === 'Purge' &&
  status?.writer === undefined &&
  metadata.name === workspaceName(spec.userId, spec.name);

const isFree = ({ status }: Workspace, node: string, now: number): boolean => {
  const { purge } = status ?? {};
  if (purge?.state === 'Purged') return false;
  return purge === undefined || purge.node === node || !(now - Date.parse(purge.updatedAt) < SILENT_MS);
};

/** What is tested by a report: that this is the Workspace that was taken on, and that no other driver has taken it since. */
const stillOurs = (uid: string, node: string): readonly JsonPatchOperation[] => [
  { op: 'test', path: '/metadata/uid', value: uid },
  { op: 'test', path: '/status/purge/node', value: node },
];

const versionsStay = ({ permission }: StoreError): string =>
  `older versions, if there are any, stay as long as the bucket keeps them: the node driver lacks ${permission}`;

const purge = async (deps: PurgeDeps, seen: Workspace, signal: AbortSignal): Promise<void> => {
  const { kube, store, clock, log, namespace, node } = deps;
  const { name, uid = '' } = seen.metadata;
  const ref = { type: WORKSPACES, namespace, name };
  let objects = seen.status?.purge?.objects ?? 0;
  let saidAt = clock.monotonic();

  const say = (tests: readonly JsonPatchOperation[], said: Pick<WorkspacePurge, 'state' | 'message'>) => {
    saidAt = clock.monotonic();
    const value: WorkspacePurge = { ...said, node, objects, updatedAt: rfc3339(clock.now()) };
    return kube.jsonPatch<Workspace>(ref, [...tests, { op: 'add', path: '/status/purge', value: value as Json }], {
      subresource: 'status',
      fieldManager: FIELD_MANAGER_NODE,
      signal,
    });
  };
  const onDeleted = async (more: number): Promise<void> => {
    objects += more;
    if (clock.monotonic() - saidAt < REPORT_MS) return;
    const now = await say(stillOurs(uid, node), { state: 'Purging' });
    if (!isPurgeable(now)) throw new Error('its files are not to be deleted any more');
  };

  try {
    // Of the API server itself: a cache may not know yet what has become of it, and the write is refused if that changes.
    const now = await kube.get<Workspace>(ref, { signal });
    if (now.metadata.uid !== uid || !isPurgeable(now) || !isFree(now, node, clock.now())) return;
    const { message } = now.status?.purge ?? {};
    // What the last attempt met stays until this one gets further.
    await say([unchanged(now.metadata.resourceVersion)], {
      state: 'Purging',
      ...(message === undefined ? {} : { message }),
    });
    log.info({ workspace: name }, 'deleting all that the workspace has in the bucket');
    const prefix = workspacePrefix(now.spec.userId, now.spec.name);
    const { versionsKept } = await purgeTiers({ store, prefix }, { signal, onDeleted });
    const kept = versionsKept === undefined ? {} : { message: versionsStay(versionsKept) };
    await say(stillOurs(uid, node), { state: 'Purged', ...kept });
    log.info({ workspace: name, objects, err: versionsKept }, kept.message ?? 'nothing of it is left in the bucket');
  } catch (error) {
    // Gone, or another driver's by now.
    if (signal.aborted || isKubeError(error, 'Conflict', 'NotFound', 'Invalid')) return;
    log.warn({ workspace: name, err: error }, 'cannot delete the workspace from the bucket; trying again');
    const message = errorMessage(error).slice(0, LONGEST_MESSAGE);
    await say(stillOurs(uid, node), { state: 'Purging', message }).catch(() => undefined);
  }
};
