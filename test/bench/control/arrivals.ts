import type { KubeObject } from '../../../src/api/meta.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { KubeClient, ResourceType } from '../../../src/kube/client.ts';

/** One arm of a comparison: what is made, and when it is Ready. */
export interface Arm<T extends KubeObject> {
  readonly name: string;
  readonly type: ResourceType;
  readonly build: (name: string) => T;
  readonly isReady: (object: T) => boolean;
}

/** Of one block: milliseconds from each create request to the moment the API server tells of its Ready. */
export interface Block {
  readonly latencies: readonly number[];
  /** From the first request to the last Ready. */
  readonly seconds: number;
}

export const NAMESPACE = 'sandboxes';
const LABEL = 'bench';
/** As many requests of the benchmark's own at a time. */
const AT_ONCE = 32;
const READY_WITHIN_MS = 300_000;

/** Makes `count` at the times `at(index)` (milliseconds from the start) and follows them by one watch until all are Ready. */
export const runBlock = async <T extends KubeObject>(
  kube: KubeClient,
  arm: Arm<T>,
  block: string,
  count: number,
  at: (index: number) => number,
): Promise<Block> => {
  const created = new Map<string, number>();
  const latencies: number[] = [];
  const deadline = AbortSignal.timeout(READY_WITHIN_MS);
  const selection = { namespace: NAMESPACE, labelSelector: `${LABEL}=${block}` };
  const { resourceVersion } = await kube.list(arm.type, selection, { signal: deadline });
  const take = (object: T): void => {
    const { name } = object.metadata;
    const since = created.get(name);
    if (since === undefined || !arm.isReady(object)) return;
    latencies.push(systemClock.monotonic() - since);
    created.delete(name);
  };
  const follow = async (): Promise<void> => {
    const options = { signal: deadline, idleTimeoutMs: READY_WITHIN_MS };
    // The API server ends the watches of a resource that it serves anew, as after each change of its definition.
    for (let from = resourceVersion; ;) {
      const watched = kube.watch<T>(arm.type, { ...selection, resourceVersion: from, timeoutSeconds: 600 }, options);
      for await (const event of watched) {
        if (event.kind === 'error') throw new Error(`the watch of ${arm.name} ended: ${event.message}`);
        from = event.kind === 'bookmark' ? event.resourceVersion : (event.object.metadata.resourceVersion ?? from);
        if (event.kind === 'added' || event.kind === 'modified') take(event.object);
        if (latencies.length === count) return;
      }
      const missing = [...created.keys()].slice(0, 5).join(' ');
      if (deadline.aborted) throw new Error(`${latencies.length} of ${count} ${arm.name} are ready; not: ${missing}`);
    }
  };
  const startedAt = systemClock.monotonic();
  const make = async (index: number): Promise<void> => {
    const waitMs = startedAt + at(index) - systemClock.monotonic();
    if (waitMs > 0) await systemClock.sleep(waitMs, deadline);
    const name = `${block}-${index}`;
    const object = arm.build(name);
    const labelled = {
      ...object,
      metadata: { ...object.metadata, name, labels: { ...object.metadata.labels, [LABEL]: block } },
    };
    created.set(name, systemClock.monotonic());
    await kube.create(arm.type, NAMESPACE, labelled, { signal: deadline });
  };
  await Promise.all([follow(), inTurn(count, AT_ONCE, make)]);
  return { latencies, seconds: (systemClock.monotonic() - startedAt) / 1000 };
};

/** Does `act` for 0 to `count` - 1 in this order, `atOnce` at a time. */
export const inTurn = async (count: number, atOnce: number, act: (index: number) => Promise<void>): Promise<void> => {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < count) {
      const index = next;
      next += 1;
      await act(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
};

/** Deletes what a block has made, and resolves when all of it, and every pod, is gone. */
export const removeBlock = async (kube: KubeClient, type: ResourceType, block: string): Promise<void> => {
  const selection = { namespace: NAMESPACE, labelSelector: `${LABEL}=${block}` };
  const { items } = await kube.list(type, selection);
  await inTurn(items.length, AT_ONCE, async (index) => {
    const name = items[index]?.metadata.name ?? '';
    await kube.delete({ type, namespace: NAMESPACE, name }, { gracePeriodSeconds: 0 });
  });
  for (;;) {
    const left = await kube.list(type, { ...selection, limit: 1 });
    if (left.items.length === 0) return;
    await systemClock.sleep(200);
  }
};
