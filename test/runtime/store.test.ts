import { describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/kube/client.ts';
import { makeStore } from '../../src/runtime/store.ts';

interface Thing extends KubeObject {
  readonly spec?: { readonly node?: string };
}

const thing = (name: string, uid: string, version: string, node?: string): Thing => ({
  metadata: { name, namespace: 'n', uid, resourceVersion: version },
  ...(node !== undefined && { spec: { node } }),
});

const setUp = () =>
  makeStore<Thing, 'byNode'>({
    indexers: { byNode: ({ spec }) => (spec?.node === undefined ? [] : [spec.node]) },
  });

describe('store', () => {
  it('says what each write amounted to', () => {
    const store = setUp();
    const [one, two] = [thing('a', 'u1', '1'), thing('a', 'u1', '2')];
    expect(store.put(one)).toEqual([{ kind: 'added', object: one }]);
    expect(store.put(two)).toEqual([{ kind: 'updated', object: two, old: one }]);
    expect(store.put(two)).toEqual([]);
    expect(store.remove(thing('a', 'u1', '3'))).toEqual([{ kind: 'deleted', object: thing('a', 'u1', '3') }]);
    expect(store.get('n/a')).toBeUndefined();
  });

  it('does not go back in time when an older event comes after a newer one', () => {
    const store = setUp();
    store.put(thing('a', 'u1', '9'));
    expect(store.put(thing('a', 'u1', '3'))).toEqual([]);
    expect(store.get('n/a')?.metadata.resourceVersion).toBe('9');
  });

  it('compares versions as numbers of any length', () => {
    const store = setUp();
    store.put(thing('a', 'u1', '9007199254740993'));
    expect(store.put(thing('a', 'u1', '9007199254740992'))).toEqual([]);
    expect(store.put(thing('a', 'u1', '10000000000000000'))).toHaveLength(1);
  });

  it('gives a recreated object as a deletion and an addition', () => {
    const store = setUp();
    store.put(thing('a', 'u1', '1', 'node-1'));
    const successor = thing('a', 'u2', '5', 'node-2');
    expect(store.put(successor).map(({ kind, object }) => [kind, object.metadata.uid])).toEqual([
      ['deleted', 'u1'],
      ['added', 'u2'],
    ]);
    expect(store.byIndex('byNode', 'node-1')).toEqual([]);
    expect(store.byIndex('byNode', 'node-2')).toEqual([successor]);
  });

  it('does not take a successor away for the late deletion of its predecessor', () => {
    const store = setUp();
    store.put(thing('a', 'u2', '5'));
    expect(store.remove(thing('a', 'u1', '4'))).toEqual([]);
    expect(store.get('n/a')?.metadata.uid).toBe('u2');
  });

  it('does not bring a deleted object back for the late answer to an own write', () => {
    const store = setUp();
    store.put(thing('a', 'u1', '1'));
    store.remove(thing('a', 'u1', '12'));
    expect(store.put(thing('a', 'u1', '10'))).toEqual([]);
    expect(store.size()).toBe(0);
  });

  it('deletes what a list lacks, but not what was created after the list was made', () => {
    const store = setUp();
    store.put(thing('gone', 'u1', '1'));
    store.put(thing('mine', 'u2', '20'));
    const changes = store.replaceAll([thing('new', 'u3', '5')], '18');
    expect(changes.map(({ kind, object }) => `${kind} ${object.metadata.name}`)).toEqual(['deleted gone', 'added new']);
    expect(store.get('n/mine')).toBeDefined();
  });

  it('believes an older list once it is told that history was rewound', () => {
    const store = setUp();
    store.put(thing('a', 'u1', '900'));
    store.put(thing('b', 'u2', '901'));
    store.remove(thing('b', 'u2', '902'));
    store.replaceAll([thing('a', 'u1', '100'), thing('b', 'u2', '90')], '110', true);
    expect(store.get('n/a')?.metadata.resourceVersion).toBe('100');
    expect(store.get('n/b')?.metadata.resourceVersion).toBe('90');
  });

  it('keeps indexes in step with updates', () => {
    const store = setUp();
    store.put(thing('a', 'u1', '1', 'node-1'));
    store.put(thing('b', 'u2', '2', 'node-1'));
    store.put(thing('a', 'u1', '3', 'node-2'));
    expect(store.byIndex('byNode', 'node-1').map(({ metadata }) => metadata.name)).toEqual(['b']);
    expect(store.byIndex('byNode', 'node-2').map(({ metadata }) => metadata.name)).toEqual(['a']);
    expect(store.byIndex('byNode', 'nowhere')).toEqual([]);
  });

  it('gives out objects that nobody can change', () => {
    const store = setUp();
    store.put(thing('a', 'u1', '1', 'node-1'));
    const held = store.get('n/a') as { spec: { node: string } };
    expect(() => {
      held.spec.node = 'elsewhere';
    }).toThrow(TypeError);
  });

  it('drops managedFields, which nobody reads, unless told what to drop', () => {
    const managed = { metadata: { name: 'a', uid: 'u1', resourceVersion: '1', managedFields: [{}] } };
    const store = makeStore();
    store.put(managed);
    expect(store.get('a')).toEqual({ metadata: { name: 'a', uid: 'u1', resourceVersion: '1' } });
    const bare = makeStore<KubeObject>({
      indexers: {},
      transform: ({ metadata: { name, uid } }) => ({ metadata: { name, ...(uid !== undefined && { uid }) } }),
    });
    bare.put(managed);
    expect(bare.list()).toEqual([{ metadata: { name: 'a', uid: 'u1' } }]);
  });
});
