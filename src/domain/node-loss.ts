import type { Node } from '../api/node.ts';
import { rfc3339 } from '../base/clock.ts';
import type { Observed } from './observed.ts';
import type { PodView } from './pod-view.ts';
import { openCold, type WriterView } from './writer.ts';

/** The nodes of the cluster, by name: a cache as it is, for a pass looks at one or two of them. */
export interface Nodes {
  readonly get: (name: string) => Node | undefined;
  readonly values: () => Iterable<Node>;
}

/**
 * Whether a sandbox hangs on a node that is lost: its object is gone, or it has not been Ready for as long as is waited
 * for. Waiting for it longer would keep the sandbox from its user for as long as the machine is away, perhaps for ever.
 *
 * What makes it safe to go on without it is not that it is dead, which nobody can know, but the epoch: the next writer
 * takes HEAD by compare-and-swap, and from then on the old one can publish nothing. What it had saved until then is what
 * the next one restores; what it had not is saved by it below `conflicts/` when it returns, or straight to HEAD if nobody
 * has taken it by then.
 *
 * A cluster none of whose nodes is Ready has lost no node but its network, or is one machine that starts again: there is
 * nowhere to go, and the home waits where it is.
 */
export type NodeLoss =
  | { readonly kind: 'none' }
  | { readonly kind: 'suspected'; readonly node: string; readonly since: number; readonly waitMs: number }
  | { readonly kind: 'lost'; readonly node: string };

/** A node's Ready is Unknown after some 40 s without a word of it; this comes on top. */
const DEFAULT_LOST_SECONDS = 10;

const NONE: NodeLoss = { kind: 'none' };

type NodesNow = Pick<Observed, 'nodes' | 'now' | 'installation'>;

export const nodeLoss = (observed: NodesNow, podView: PodView, writer: WriterView): NodeLoss =>
  lossOf(observed, holdingNode(podView, writer));

/** The same for a node that is known. */
export const lossOf = ({ nodes, now, installation }: NodesNow, node: string | undefined): NodeLoss => {
  if (nodes === undefined || node === undefined) return NONE;
  const found = nodes.get(node);
  if ((found !== undefined && isReady(found)) || ![...nodes.values()].some(isReady)) return NONE;
  if (found === undefined) return { kind: 'lost', node };
  const since = notReadySince(found, now);
  const waitMs = since + (installation?.nodeLostSeconds ?? DEFAULT_LOST_SECONDS) * 1000 - now;
  return waitMs > 0 ? { kind: 'suspected', node, since, waitMs } : { kind: 'lost', node };
};

/** Where the pod is; without one, where the home or what cold storage has not sent is. */
const holdingNode = (podView: PodView, writer: WriterView): string | undefined => {
  if (podView.kind === 'foreign') return undefined;
  if (podView.kind !== 'absent') return podView.pod.spec?.nodeName;
  return writer.kind === 'ours' ? filesOn(writer) : undefined;
};

/** The node that has files of the epoch which are not in the bucket, as far as is known. */
export const filesOn = ({ session, cold }: Pick<Extract<WriterView, { kind: 'ours' }>, 'session' | 'cold'>) =>
  session.kind === 'active' ? session.session.node : openCold(cold)?.node;

const readyCondition = ({ status }: Node) => status?.conditions?.find(({ type }) => type === 'Ready');

export const isReady = (node: Node): boolean => readyCondition(node)?.status === 'True';

/** A time that cannot be read, or is ahead of ours, is as good as now: it is waited the longer. */
const notReadySince = (node: Node, now: number): number => {
  const since = Date.parse(readyCondition(node)?.lastTransitionTime ?? '');
  return Number.isNaN(since) ? now : Math.min(since, now);
};

/** For those who wait. */
export const suspicion = ({ node, since, waitMs }: Extract<NodeLoss, { kind: 'suspected' }>, now: number): string =>
  `node ${node} has not been Ready since ${rfc3339(since)}; the sandbox goes on without it at ${rfc3339(now + waitMs)}`;
