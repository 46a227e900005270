import { describe, expect, it } from '@jest/globals';
import type { KubeObject } from '../../src/kube/client.ts';
import type { ChangeHandler } from '../../src/runtime/change.ts';
import { enqueueOnChange } from '../../src/runtime/enqueue-on-change.ts';
import type { Informer } from '../../src/runtime/informer.ts';
import { controllerOwnerKey, keyOf, objectKey, splitKey } from '../../src/runtime/object-key.ts';

const owned = (owner: string, controller = true): KubeObject => ({
  metadata: {
    name: 'child',
    namespace: 'n',
    labels: { step: owner },
    ownerReferences: [{ apiVersion: 'v1', kind: 'Owner', name: owner, uid: owner, controller }],
  },
});

const setUp = (when?: () => boolean) => {
  let handler: ChangeHandler<KubeObject> = () => undefined;
  const enqueued: string[] = [];
  const informer = {
    onChange: (given: ChangeHandler<KubeObject>) => (handler = given),
  } as unknown as Informer<KubeObject>;
  const enqueue = (key: string, options?: { readonly priority?: number }): void => {
    enqueued.push(`${key} ${options?.priority}`);
  };
  const keysOf = (object: KubeObject): readonly string[] => {
    const key = controllerOwnerKey(object, 'Owner');
    return key === undefined ? [] : [key];
  };
  enqueueOnChange(informer, { enqueue }, { keysOf, ...(when !== undefined && { when }) });
  return { handler, enqueued };
};

describe('enqueueOnChange', () => {
  it('wakes the owner of a child, once, and the old owner too', () => {
    const { handler, enqueued } = setUp();
    handler({ kind: 'updated', object: owned('a'), old: owned('a') }, 'watch');
    handler({ kind: 'updated', object: owned('b'), old: owned('a') }, 'watch');
    handler({ kind: 'deleted', object: owned('b') }, 'relist');
    expect(enqueued).toEqual(['n/a 0', 'n/a 0', 'n/b 0', 'n/b 0']);
  });

  it('puts the first list behind everything else', () => {
    const { handler, enqueued } = setUp();
    handler({ kind: 'added', object: owned('a') }, 'initial');
    expect(enqueued).toEqual(['n/a -100']);
  });

  it('leaves out what does not matter, and what nobody controls', () => {
    const { handler, enqueued } = setUp(() => false);
    handler({ kind: 'added', object: owned('a') }, 'watch');
    const open = setUp();
    open.handler({ kind: 'added', object: owned('a', false) }, 'watch');
    expect([...enqueued, ...open.enqueued]).toEqual([]);
  });
});

describe('object keys', () => {
  it('are namespace/name, or the name alone', () => {
    expect(objectKey(owned('a'))).toBe('n/child');
    expect(keyOf(undefined, 'node')).toBe('node');
    expect(splitKey('n/child')).toEqual({ namespace: 'n', name: 'child' });
    expect(splitKey('node')).toEqual({ namespace: undefined, name: 'node' });
  });
});
