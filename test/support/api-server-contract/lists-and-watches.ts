import { beforeAll, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.ts';
import type { KubeClient, ResourceType } from '../../../src/kube/client.ts';
import { isOlder } from '../../../src/runtime/resource-version.ts';
import { follow, told } from './follow.ts';
import { type ContractSubject, FINALIZER, type Hands, makeHands, refusalOf } from './subject.ts';

const names = (items: readonly KubeObject[]): readonly string[] => items.map(({ metadata }) => metadata.name);
const LONG_AGO = '1';

/** Reading many objects, now and from now on. */
export const listsAndWatchesContract = (given: () => ContractSubject): void => {
  let client: KubeClient;
  let namespace: string;
  let type: ResourceType;
  let hands: Hands;
  beforeAll(() => {
    ({ client, namespace, type } = given());
    hands = makeHands(given());
  });
  const labelled = (run: string) => ({ metadata: { labels: { run } } });
  const selection = (run: string) => ({ namespace, labelSelector: `run=${run}` });
  const versionNow = async (): Promise<string> =>
    (await client.list<KubeObject>(type, { namespace, limit: 1 })).resourceVersion;

  describe('when it is asked for a list', () => {
    test('selects by label and by field', async () => {
      await hands.make('listed-a', labelled('list'));
      await hands.make('listed-b', labelled('list'));
      await hands.make('listed-c', labelled('other'));
      const byLabel = await client.list<KubeObject>(type, selection('list'));
      expect(names(byLabel.items)).toEqual(['listed-a', 'listed-b']);
      expect(byLabel.items[0]).toEqual(await hands.get('listed-a'));
      const byName = await client.list<KubeObject>(type, { namespace, fieldSelector: 'metadata.name=listed-c' });
      expect(names(byName.items)).toEqual(['listed-c']);
    });

    test('gives it in pages of one version', async () => {
      for (const name of ['page-1', 'page-2', 'page-4']) await hands.make(name, labelled('pages'));
      const first = await client.list<KubeObject>(type, { ...selection('pages'), limit: 2 });
      expect(names(first.items)).toEqual(['page-1', 'page-2']);
      await hands.make('page-3', labelled('pages'));
      await client.delete(hands.refTo('page-4'));
      const token = first.continue ?? '';
      const second = await client.list<KubeObject>(type, { ...selection('pages'), limit: 2, continue: token });
      expect(names(second.items)).toEqual(['page-4']);
      expect(second.resourceVersion).toBe(first.resourceVersion);
      expect(second.continue).toBeUndefined();
    });

    test('gives a version that is no older than what was written before', async () => {
      const made = await hands.make('versioned');
      expect(isOlder(await versionNow(), made.metadata.resourceVersion)).toBe(false);
    });

    test('refuses a page that it never promised', async () => {
      expect(await refusalOf(client.list(type, { namespace, limit: 1, continue: 'nonsense' }))).toBe('BadRequest 400');
    });
  });

  describe('when it is watched', () => {
    test('tells each change once, in order, each of a newer version', async () => {
      const watch = follow(client, type, { ...selection('order'), resourceVersion: await versionNow() });
      const ref = hands.refTo('watched');
      const made = await hands.make('watched', labelled('order'));
      const stopped = await client.mergePatch<KubeObject>(ref, { spec: { desiredState: 'Stopped' } });
      await client.mergePatch<KubeObject>(ref, { spec: { desiredState: 'Stopped' } });
      const status = { status: { phase: 'Stopped' } };
      const last = await client.mergePatch<KubeObject>(ref, status, { subresource: 'status' });
      await client.delete(ref);
      const events = [await watch.next(), await watch.next(), await watch.next(), await watch.next()];
      await watch.stop();
      expect(events.map(told)).toEqual(['added watched', 'modified watched', 'modified watched', 'deleted watched']);
      const objects = events.flatMap((event) => (event !== undefined && 'object' in event ? [event.object] : []));
      expect(objects.slice(0, 3)).toEqual([made, stopped, last]);
      const versions = objects.map(({ metadata }) => metadata.resourceVersion);
      for (const [index, version] of versions.entries())
        expect(index === 0 || isOlder(versions[index - 1], version)).toBe(true);
      // Its last state, under the version of its deletion.
      const metadata = { ...last.metadata, resourceVersion: versions[3] };
      expect(objects[3]).toEqual({ ...last, metadata });
    });

    test('begins where it is told to: what came after that is not missed', async () => {
      const from = await versionNow();
      await hands.make('missed-1', labelled('missed'));
      await client.delete(hands.refTo('missed-1'));
      await hands.make('missed-2', labelled('missed'));
      const watch = follow(client, type, { ...selection('missed'), resourceVersion: from });
      const events = [await watch.next(), await watch.next(), await watch.next()];
      await watch.stop();
      expect(events.map(told)).toEqual(['added missed-1', 'deleted missed-1', 'added missed-2']);
    });

    test('tells of a marked deletion, and of the end', async () => {
      const made = await hands.make('marked', { metadata: { finalizers: [FINALIZER], labels: { run: 'marked' } } });
      const resourceVersion = made.metadata.resourceVersion ?? '';
      const watch = follow(client, type, { ...selection('marked'), resourceVersion });
      await client.delete(hands.refTo('marked'));
      const marked = await watch.next();
      expect(told(marked)).toBe('modified marked');
      expect(marked).toMatchObject({ object: { metadata: { deletionTimestamp: expect.any(String) as unknown } } });
      await client.mergePatch(hands.refTo('marked'), { metadata: { finalizers: null } });
      const gone = await watch.next();
      await watch.stop();
      expect(told(gone)).toBe('deleted marked');
      expect(gone).toMatchObject({ object: { metadata: { deletionTimestamp: expect.any(String) as unknown } } });
    });

    test('makes an addition and a deletion of what comes into a selection and leaves it', async () => {
      const made = await hands.make('moving');
      const resourceVersion = made.metadata.resourceVersion ?? '';
      const watch = follow(client, type, { ...selection('moving'), resourceVersion });
      const label = (run: string | null) => client.mergePatch(hands.refTo('moving'), { metadata: { labels: { run } } });
      await label('moving');
      await label('elsewhere');
      await label('moving');
      const events = [await watch.next(), await watch.next(), await watch.next()];
      await watch.stop();
      expect(events.map(told)).toEqual(['added moving', 'deleted moving', 'added moving']);
    });

    test('says in the stream that a version is too old', async () => {
      const watch = follow(client, type, { namespace, resourceVersion: LONG_AGO });
      const event = await watch.next();
      await watch.stop();
      expect(event).toMatchObject({ kind: 'error', code: 410, reason: 'Expired' });
    });

    test('tells how far it is where that is news, and ends, when its time is over', async () => {
      const query = { ...selection('timed'), resourceVersion: await versionNow(), timeoutSeconds: 6 };
      await hands.make('timed', labelled('timed'));
      const watch = follow(client, type, query);
      expect(told(await watch.next())).toBe('added timed');
      const unselected = await hands.make('untimed');
      const bookmark = await watch.nextOfAny();
      expect(bookmark).toMatchObject({ kind: 'bookmark' });
      const version = bookmark?.kind === 'bookmark' ? bookmark.resourceVersion : '';
      expect(isOlder(version, unselected.metadata.resourceVersion)).toBe(false);
      expect(told(await watch.next())).toBe('the end');
      await watch.stop();
    });
  });
};
