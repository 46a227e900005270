import { beforeAll, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { CONFIG_MAPS, PODS } from '../../../src/kube/resource-types.ts';
import { follow, told } from './follow.ts';
import { type ContractSubject, FINALIZER, type Hands, makeHands, refusalOf } from './subject.ts';

const OTHER_UID = '00000000-0000-0000-0000-000000000000';
const NO_NODE = 'contract-no-such-node';

/** How objects go. */
export const deletionContract = (given: () => ContractSubject): void => {
  let client: KubeClient;
  let namespace: string;
  let hands: Hands;
  beforeAll(() => {
    ({ client, namespace } = given());
    hands = makeHands(given());
  });

  describe('when something is deleted', () => {
    test('waits for its finalizers: marked, and one generation on', async () => {
      const ref = hands.refTo('held');
      const made = await hands.make('held', { metadata: { finalizers: [FINALIZER, `${FINALIZER}-2`] } });
      await client.delete(ref);
      const marked = await hands.get('held');
      expect(Date.parse(marked.metadata.deletionTimestamp ?? '')).not.toBeNaN();
      expect(marked.metadata).toMatchObject({ generation: 2, finalizers: made.metadata.finalizers });
      await client.delete(ref);
      expect(await hands.get('held')).toEqual(marked);

      const more = { metadata: { finalizers: [FINALIZER, 'matrx.dev/more'] } };
      expect(await refusalOf(client.mergePatch(ref, more))).toBe('Invalid 422');
      const fewer = await client.mergePatch<Sandbox>(ref, { metadata: { finalizers: [FINALIZER] } });
      expect(fewer.metadata.finalizers).toEqual([FINALIZER]);
      expect(await refusalOf(hands.make('held'))).toBe('AlreadyExists 409');
      await client.mergePatch<Sandbox>(ref, { metadata: { finalizers: [] } });
      expect(await refusalOf(hands.get('held'))).toBe('NotFound 404');
    });

    test('takes the status of what is being deleted, and no deletion back', async () => {
      const ref = hands.refTo('going');
      await hands.make('going', { metadata: { finalizers: [FINALIZER] } });
      await client.delete(ref);
      const before = await hands.get('going');
      const after = await client.mergePatch<Sandbox>(ref, { status: { phase: 'Saving' } }, { subresource: 'status' });
      expect(after.status?.phase).toBe('Saving');
      const kept = await client.mergePatch<Sandbox>(ref, { metadata: { deletionTimestamp: null } });
      expect(kept.metadata.deletionTimestamp).toBe(before.metadata.deletionTimestamp);
      await client.mergePatch<Sandbox>(ref, { metadata: { finalizers: null } });
    });

    test('takes what it owned after it', async () => {
      const map = (name: string, more: Partial<KubeObject['metadata']> = {}) =>
        client.create<KubeObject>(CONFIG_MAPS, namespace, { metadata: { name, ...more } });
      const owner = await map('owner');
      const uid = owner.metadata.uid ?? '';
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid, controller: true };
      const owned = await map('owned', { ownerReferences: [reference] });
      const watch = follow(client, CONFIG_MAPS, {
        namespace,
        fieldSelector: 'metadata.name=owned',
        resourceVersion: owned.metadata.resourceVersion ?? '',
      });
      await client.delete(hands.refTo('owner', CONFIG_MAPS));
      expect(told(await watch.next())).toBe('deleted owned');
      await watch.stop();
    });
  });

  describe('when a pod is deleted', () => {
    test('lets one go at once that no kubelet has', async () => {
      await hands.makePod('unplaced');
      await client.delete(hands.refTo('unplaced', PODS));
      expect(await refusalOf(hands.get('unplaced', PODS))).toBe('NotFound 404');
    });

    test('marks one that a kubelet has, and forgets it when it is told to: that very pod', async () => {
      const ref = hands.refTo('placed', PODS);
      const made = await hands.makePod('placed', NO_NODE);
      await client.delete(ref, { uid: made.metadata.uid ?? '' });
      const marked = await client.get<KubeObject>(ref);
      expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 45 });
      expect(Date.parse(marked.metadata.deletionTimestamp ?? '')).not.toBeNaN();
      expect(await refusalOf(client.delete(ref, { uid: OTHER_UID, gracePeriodSeconds: 0 }))).toBe('Conflict 409');
      await client.delete(ref, { uid: made.metadata.uid ?? '', gracePeriodSeconds: 0 });
      expect(await refusalOf(client.get(ref))).toBe('NotFound 404');
    });

    test('takes the seconds that it is given in place of the pod’s own', async () => {
      const ref = hands.refTo('hurried', PODS);
      await hands.makePod('hurried', NO_NODE);
      await client.delete(ref, { gracePeriodSeconds: 1 });
      expect((await client.get<KubeObject>(ref)).metadata).toMatchObject({ deletionGracePeriodSeconds: 1 });
      await client.delete(ref, { gracePeriodSeconds: 0 });
    });

    test('lets one go at once whose processes have ended, on whatever node', async () => {
      const ref = hands.refTo('ended', PODS);
      await hands.makePod('ended', NO_NODE);
      await client.mergePatch(ref, { status: { phase: 'Failed', reason: 'Evicted' } }, { subresource: 'status' });
      await client.delete(ref);
      expect(await refusalOf(client.get(ref))).toBe('NotFound 404');
    });
  });
};
