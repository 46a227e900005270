import { SANDBOX_FINALIZER } from '../../src/api/names.ts';
import type { Pod } from '../../src/api/pod.ts';
import type { Sandbox } from '../../src/api/sandbox.ts';
import type { Workspace } from '../../src/api/workspace.ts';
import { canonicalJson } from '../../src/base/json.ts';
import { isReady as isNodeReady } from '../../src/domain/node-loss.ts';
import { runView } from '../../src/domain/run.ts';
import { must } from '../domain/model/broken.ts';
import { checkNothingIsUnsaved, checkNotWanted } from '../domain/model/carry-out.ts';
import { checkConsistent, checkRun, checkTransitions, claimsOf } from '../domain/model/honesty.ts';
import type { ApiServer } from '../support/model-api-server/api-server.ts';
import type { AppliedWrite } from '../support/model-api-server/client.ts';
import type { Snapshot } from '../support/model-api-server/kinds.ts';
import { makeLastingCheck } from './lasting.ts';
import type { Network } from './network.ts';

export interface History {
  readonly api: Pick<ApiServer, 'history' | 'timeOf'>;
  /** What the controllers have written, by the versions that came of it. */
  readonly written: ReadonlyMap<number, AppliedWrite>;
  /** Versions that came about while no controller lived. */
  readonly dead: ReadonlySet<number>;
  readonly network: Network;
}

/** One step of a history: the world before, and the world that came of it. */
interface Step {
  readonly index: number;
  readonly at: number;
  readonly old: Snapshot;
  readonly world: Snapshot;
  /** Undefined: not a controller's. */
  readonly write: AppliedWrite | undefined;
}

/** What must never be: checked in every state that there was. Throws what was broken first. */
export const checkHistory = (history: History): void => {
  const { api, written } = history;
  const checkLasting = makeLastingCheck(history);
  for (let index = 1; index < api.history.length; index++) {
    const [old, world] = [api.history[index - 1] as Snapshot, api.history[index] as Snapshot];
    const step = { index, at: api.timeOf(index), old, world, write: written.get(index) };
    if (old.workspaces !== world.workspaces) checkWorkspaces(history, step);
    if (old.sandboxes !== world.sandboxes) checkSandboxes(history, step);
    if (old.pods !== world.pods) checkPods(history, step);
    checkHolders(world);
    checkLasting(index);
  }
};

const isOwnedBy = ({ metadata }: Pod, uid: string | undefined): boolean =>
  metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;

const isPodLeft = ({ pods }: Snapshot, uid: string | undefined): boolean =>
  [...pods.values()].some((pod) => isOwnedBy(pod, uid));

/** Whoever has a pod or a workspace has the finalizer that keeps it from vanishing before both are let go. */
const checkHolders = ({ sandboxes, workspaces, pods }: Snapshot): void => {
  const holders = [
    ...[...workspaces.values()].flatMap(({ status }) => (status?.writer === undefined ? [] : [status.writer.uid])),
    ...[...pods.values()].flatMap(({ metadata }) => metadata.ownerReferences?.map(({ uid }) => uid) ?? []),
  ];
  for (const { metadata } of sandboxes.values()) {
    if (!holders.includes(metadata.uid ?? '')) continue;
    must(
      metadata.finalizers?.includes(SANDBOX_FINALIZER) ?? false,
      'it holds something without its finalizer',
      metadata,
    );
  }
};

const checkWorkspaces = (history: History, step: Step): void => {
  const { old, world } = step;
  for (const [name, before] of old.workspaces) {
    const after = world.workspaces.get(name);
    if (after === before) continue;
    if (after === undefined || after.metadata.uid !== before.metadata.uid) {
      must(before.status?.writer === undefined, 'a workspace goes while somebody writes to it', before.status);
    } else checkWorkspace(history, step, before, after);
  }
};

const checkWorkspace = (history: History, step: Step, { status: was = {} }: Workspace, after: Workspace): void => {
  const { status: is = {} } = after;
  const both = [was, is];
  must((is.epoch ?? 0) >= (was.epoch ?? 0), 'an epoch goes back', both);
  must((is.head?.sequence ?? 0) >= (was.head?.sequence ?? 0), 'a commit is lost', both);
  must((is.head?.epoch ?? 0) >= (was.head?.epoch ?? 0), 'a fenced writer commits', both);
  must((is.session?.epoch ?? 0) >= (was.session?.epoch ?? 0), 'a fenced writer reports', both);
  if (was.writer !== undefined && is.writer !== undefined) {
    must(
      is.writer.uid === was.writer.uid && is.writer.epoch === was.writer.epoch,
      'a lock is taken from its holder',
      both,
    );
  }
  if (was.writer === undefined && is.writer !== undefined) {
    const highest = Math.max(was.epoch ?? 0, was.session?.epoch ?? 0, was.head?.epoch ?? 0, was.cold?.epoch ?? 0);
    must(is.writer.epoch > highest && is.epoch === is.writer.epoch, 'an epoch is given twice', both);
  }
  if (was.writer !== undefined && is.writer === undefined) checkRelease(history, step, was);
};

/** The writer was given up: its home was saved, or never opened, or its node is lost; and no pod of it is left. */
const checkRelease = ({ network }: History, { old, at }: Step, was: NonNullable<Workspace['status']>): void => {
  const { writer, session } = was;
  must(!isPodLeft(old, writer?.uid), 'a writer is released while its pod is there', was);
  const isHeld = session?.epoch === writer?.epoch && session?.state !== 'Closed' && session?.state !== 'Conflict';
  if (isHeld && session !== undefined) checkLost(network, old, session.node, at);
};

const LOST_AFTER_MS = 10_000;

/** How long it has been away, only who sees it at once can know exactly. */
const checkLost = ({ isPerfect }: Network, { nodes }: Snapshot, name: string, at: number): void => {
  const node = nodes.get(name);
  if (node === undefined) return;
  must(!isNodeReady(node), 'a home is not saved, its node lives, and it is given up', name);
  const since = Date.parse(node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '');
  must(!isPerfect || at - since >= LOST_AFTER_MS, 'a node is given up before its time', [name, at - since]);
};

const checkSandboxes = (history: History, step: Step): void => {
  const { old, world } = step;
  for (const [name, before] of old.sandboxes) {
    const after = world.sandboxes.get(name);
    if (after === before) continue;
    if (after !== undefined && after.metadata.uid === before.metadata.uid) checkSandbox(history, step, before, after);
    else checkGone(old, before);
  }
  for (const [name, after] of world.sandboxes) {
    const { observedGeneration } = after.status ?? {};
    if (!old.sandboxes.has(name))
      must((observedGeneration ?? -1) === -1, 'a new one is observed already', after.status);
  }
};

const checkGone = (old: Snapshot, { metadata: { name, uid } }: Sandbox): void => {
  must(!isPodLeft(old, uid), 'a sandbox goes before its pod', name);
  const held = [...old.workspaces.values()].filter(({ status }) => status?.writer?.uid === uid);
  must(held.length === 0, 'a sandbox goes and holds a workspace', held);
};

const checkSandbox = (history: History, step: Step, before: Sandbox, after: Sandbox): void => {
  const { old, at, write } = step;
  if (before.status !== after.status) {
    checkConsistent(after);
    checkRun(before, after);
    checkTransitions(before, after);
    checkClaims(history, step, after);
    checkFailures(history, step, after);
  }
  if (write === undefined) return;
  must(canonicalJson(before.spec) === canonicalJson(after.spec), 'a controller writes a spec', after);
  if (write.verb === 'delete') {
    const { name, uid = '', resourceVersion = '' } = before.metadata;
    checkNothingIsUnsaved(old, { name, uid, resourceVersion });
    const due = Date.parse(before.status?.stoppedAt ?? '') + before.spec.lifetime.retainSeconds * 1000;
    must(due <= at, 'a record is deleted before its time', before.status);
    must(runView(before, at).kind !== 'going', 'a sandbox that is wanted is purged', before);
  }
};

/** The longest that a cut connection keeps its view from what is new. */
const RECONNECT_MS = 60_000;

/** What is said is so; or was, as long ago as the one who says it may not have heard otherwise. */
const checkClaims = ({ api, network }: History, { index, at }: Step, sandbox: Sandbox): void => {
  const claims = claimsOf(sandbox);
  if (claims.length === 0) return;
  const earliest = at - (network.longestLagMs === 0 ? 0 : 2 * network.longestLagMs + RECONNECT_MS);
  for (const { says, isSo } of claims) {
    let version = index;
    while (version > 0 && api.timeOf(version) >= earliest && !isSo(api.history[version] as Snapshot)) version--;
    // The state before the earliest was still so at that moment.
    must(version > 0 && isSo(api.history[version] as Snapshot), `it says, and it is not so: ${says}`, sandbox.status);
  }
};

const checkPods = (history: History, step: Step): void => {
  const { old, world, write } = step;
  for (const [name, pod] of world.pods) if (!old.pods.has(name) && write !== undefined) checkNewPod(history, step, pod);
  if (write?.verb !== 'delete' || write.ref.type.plural !== 'pods') return;
  const pod = old.pods.get(write.ref.name);
  if (pod === undefined) return;
  const { nodeName } = pod.spec ?? {};
  const hasEnded = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded';
  // It goes at once though a kubelet has it: its processes may run on.
  if (!world.pods.has(write.ref.name) && nodeName !== undefined && !hasEnded) {
    checkLost(history.network, old, nodeName, step.at);
  } else checkUnwanted(history, step, pod);
};

/** Whoever deletes a pod has just asked whether it is wanted; of a wish of that very moment it may not have heard. */
const checkUnwanted = ({ api }: History, { index, at }: Step, { metadata: { name, uid = '' } }: Pod): void => {
  for (let version = index - 1; ; version--) {
    try {
      checkNotWanted(api.history[version] as Snapshot, at, name, uid);
      return;
    } catch (error) {
      if (api.timeOf(version) < at) throw error;
    }
  }
};

/** A pod that runs for longer is forgiven what was before it. */
const FORGIVEN_AFTER_MS = 10 * 60_000;

/** Each pod that had to be given up counts. */
const checkFailures = ({ api }: History, { index, at }: Step, { metadata: { name, uid }, status }: Sandbox): void => {
  const failed = new Set<string>();
  for (let version = index; version > 0 && at - api.timeOf(version) < FORGIVEN_AFTER_MS; version--) {
    const sandbox = api.history[version]?.sandboxes.get(name);
    if (sandbox === undefined || sandbox.metadata.uid !== uid) break;
    if (sandbox.status?.podFailures !== undefined) failed.add(sandbox.status.podFailures.podUid);
  }
  // The first may be one of long ago, before a pod that ran well.
  must((status?.podFailures?.count ?? 0) >= failed.size - 1, 'a pod that failed is not counted', status?.podFailures);
};

const FIRST_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 300_000;

/** Pods that fail one after another are made at longer and longer intervals. What a lost write would have told nobody knows. */
const checkNewPod = ({ network }: History, { old, at }: Step, pod: Pod): void => {
  const owner = [...old.sandboxes.values()].find(({ metadata }) => isOwnedBy(pod, metadata.uid));
  const { count = 0, lastTime = '' } = owner?.status?.podFailures ?? {};
  if (network.losesWrites || count < 2) return;
  const due = Date.parse(lastTime) + Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (count - 2));
  must(at >= due, 'a pod that fails again and again is made again at once', owner?.status?.podFailures);
};
