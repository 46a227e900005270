import { isReady as isNodeReady } from '../../src/domain/node-loss.ts';
import { must } from '../domain/model/broken.ts';
import { claimsOf } from '../domain/model/honesty.ts';
import type { Snapshot } from '../support/model-api-server/kinds.ts';
import type { History } from './promises.ts';

/** What may be for a while, until a living controller has heard of it and done something about it. */
const MOMENT_MS = 5_000;
const LOST_AFTER_MS = 10_000;

/**
 * Checks, version by version, that nothing lasts that must not: a status that is no longer so, a pod on a lost node. Only
 * where writes and what is seen of them are never late; elsewhere nobody can say how long is too long.
 */
export const makeLastingCheck = ({ api, dead, network }: History): ((version: number) => void) => {
  const since = new Map<string, number>();
  let livesSince = 0;
  return (version) => {
    if (!network.isPerfect) return;
    // The world as it was up to this version.
    const world = api.history[version - 1] as Snapshot;
    const at = api.timeOf(version);
    // It dies of a write, and the next one that somebody else makes finds it dead.
    if (dead.has(version - 1) || dead.has(version)) livesSince = at;
    const found = new Set(wrongsOf(world, at));
    for (const wrong of since.keys()) if (!found.has(wrong)) since.delete(wrong);
    for (const wrong of found) {
      const began = Math.max(livesSince, since.get(wrong) ?? api.timeOf(version - 1));
      since.set(wrong, began);
      must(at - began <= MOMENT_MS, `it stays so: ${wrong}`, `${at - began} ms`);
    }
  };
};

const wrongsOf = (world: Snapshot, at: number): readonly string[] => [...untrue(world), ...stranded(world, at)];

const untrue = (world: Snapshot): readonly string[] =>
  [...world.sandboxes.values()].flatMap((sandbox) =>
    claimsOf(sandbox)
      .filter(({ isSo }) => !isSo(world))
      .map(({ says }) => `${sandbox.metadata.name} says what is not so, ${says}`),
  );

const stranded = ({ nodes, pods }: Snapshot, at: number): readonly string[] => {
  if (![...nodes.values()].some(isNodeReady)) return [];
  return [...pods.values()].flatMap(({ metadata, spec }) => {
    const node = nodes.get(spec?.nodeName ?? '');
    if (node === undefined || isNodeReady(node) || metadata.ownerReferences === undefined) return [];
    const condition = node.status?.conditions?.find(({ type }) => type === 'Ready');
    const isLost = at - Date.parse(condition?.lastTransitionTime ?? '') > LOST_AFTER_MS + MOMENT_MS;
    return isLost ? [`${metadata.name} is on ${node.metadata.name}, which is lost`] : [];
  });
};
