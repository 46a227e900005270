import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { KubeObject } from '../../src/kube/client.ts';
import type { StoreChange } from '../../src/runtime/change.ts';
import { makeStore } from '../../src/runtime/store.ts';

/** One write to a server: on an absent object it creates (a new uid), on a present one it updates or deletes. */
const write = fc.record({ name: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean() });

interface Happened {
  readonly kind: 'put' | 'remove';
  readonly object: KubeObject;
}

interface History {
  readonly events: readonly Happened[];
  /** The state after each event, by its version. */
  readonly snapshots: readonly (readonly KubeObject[])[];
}

const play = (writes: readonly { readonly name: string; readonly remove: boolean }[]): History => {
  const state = new Map<string, KubeObject>();
  const events: Happened[] = [];
  const snapshots: (readonly KubeObject[])[] = [];
  for (const [index, { name, remove }] of writes.entries()) {
    const held = state.get(name);
    const uid = held?.metadata.uid ?? `uid-${index}`;
    const object = { metadata: { name, uid, resourceVersion: String(index + 1) } };
    const kind = remove && held !== undefined ? 'remove' : 'put';
    if (kind === 'remove') state.delete(name);
    else state.set(name, object);
    events.push({ kind, object });
    snapshots.push([...state.values()]);
  }
  return { events, snapshots };
};

const byName = (objects: readonly KubeObject[]): readonly KubeObject[] =>
  [...objects].sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));

const apply = (mirror: Map<string, KubeObject>, change: StoreChange<KubeObject>): void => {
  const { name } = change.object.metadata;
  expect(mirror.has(name)).toBe(change.kind !== 'added');
  if (change.kind === 'deleted') mirror.delete(name);
  else mirror.set(name, change.object);
};

describe('store, whatever comes in whatever order', () => {
  it('ends at the state of the last list, never goes back, and its changes tell the whole story [F4]', () => {
    fc.assert(
      fc.property(
        fc.array(write, { minLength: 1, maxLength: 25 }),
        fc.array(fc.record({ list: fc.boolean(), at: fc.nat() }), { maxLength: 60 }),
        (writes, deliveries) => {
          const { events, snapshots } = play(writes);
          const store = makeStore();
          const mirror = new Map<string, KubeObject>();
          const newest = new Map<string, bigint>();
          const dead = new Set<string>();

          const take = (changes: readonly StoreChange<KubeObject>[]): void => {
            for (const change of changes) {
              apply(mirror, change);
              const { uid = '', resourceVersion = '0' } = change.object.metadata;
              if (change.kind === 'deleted') {
                dead.add(uid);
                continue;
              }
              expect(dead).not.toContain(uid);
              expect(BigInt(resourceVersion)).toBeGreaterThanOrEqual(newest.get(uid) ?? 0n);
              newest.set(uid, BigInt(resourceVersion));
            }
            expect(byName([...mirror.values()])).toEqual(byName(store.list()));
          };

          for (const { list, at } of deliveries) {
            const index = at % events.length;
            const { kind, object } = events[index] as Happened;
            if (list) take(store.replaceAll(snapshots[index] ?? [], String(index + 1)));
            else take(kind === 'put' ? store.put(object) : store.remove(object));
          }
          take(store.replaceAll(snapshots.at(-1) ?? [], String(events.length)));
          expect(byName(store.list())).toEqual(byName(snapshots.at(-1) ?? []));
        },
      ),
      { numRuns: 500 },
    );
  });
});
