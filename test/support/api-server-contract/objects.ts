import { beforeAll, describe, expect, test } from '@jest/globals';
import type { KubeObject } from '../../../src/api/meta.ts';
import type { Sandbox } from '../../../src/api/sandbox.ts';
import type { KubeClient, ResourceType } from '../../../src/kube/client.ts';
import { type ContractSubject, type Hands, makeHands, type MadeWith, refusalOf } from './subject.ts';

const OLD_VERSION = '1';
const OTHER_UID = '00000000-0000-0000-0000-000000000000';

const status = { subresource: 'status' } as const;
const versionOf = ({ metadata }: KubeObject): string => metadata.resourceVersion ?? '';
const lasting = { lifetime: { ttlSeconds: 60, onExpire: 'Stop', retainSeconds: 60 } } as const;

/** Creating, reading and changing one object. */
export const objectsContract = (given: () => ContractSubject): void => {
  let client: KubeClient;
  let namespace: string;
  let type: ResourceType;
  let hands: Hands;
  beforeAll(() => {
    ({ client, namespace, type } = given());
    hands = makeHands(given());
  });

  describe('when something is created', () => {
    test('gives it an identity, and the defaults of its schema in place of a status', async () => {
      const made = await hands.make('made', { status: { phase: 'Ready' } });
      expect(made.metadata).toMatchObject({ name: 'made', namespace, generation: 1 });
      expect(made.metadata.uid).toMatch(/./);
      expect(versionOf(made)).toMatch(/^[0-9]+$/);
      expect(Date.parse(made.metadata.creationTimestamp ?? '')).not.toBeNaN();
      expect(made.status).toEqual({ observedGeneration: -1 });
      expect(made.spec).toMatchObject({ desiredState: 'Running', templateRef: { name: 'default' } });
      expect(await hands.get('made')).toEqual(made);
    });

    test('refuses a name that is taken', async () => {
      await hands.make('taken');
      expect(await refusalOf(hands.make('taken'))).toBe('AlreadyExists 409');
    });

    test('makes names up where it is asked to', async () => {
      const make = () =>
        client.create<KubeObject>(type, namespace, {
          metadata: { generateName: 'drawn-' },
          spec: { userId: 'ann' },
        } as unknown as KubeObject);
      const [first, second] = [await make(), await make()];
      expect(first.metadata.name).toMatch(/^drawn-[a-z0-9]+$/);
      expect(second.metadata.name).not.toBe(first.metadata.name);
    });

    test('refuses what is no name, and what the schema does not allow', async () => {
      expect(await refusalOf(hands.make('Not A Name'))).toBe('Invalid 422');
      await expect(hands.make('Not A Name')).rejects.toThrow(/metadata\.name/);
      const wrong: MadeWith = { spec: { desiredState: 'Sleeping' as 'Running' } };
      expect(await refusalOf(hands.make('wrong', wrong))).toBe('Invalid 422');
      await expect(hands.make('wrong', wrong)).rejects.toThrow(/spec\.desiredState/);
    });

    test('gives a name that is free again a new uid', async () => {
      const first = await hands.make('again');
      await client.delete(hands.refTo('again'));
      expect((await hands.make('again')).metadata.uid).not.toBe(first.metadata.uid);
    });
  });

  describe('when something is not there', () => {
    test('says so, by its name', async () => {
      expect(await refusalOf(hands.get('nobody'))).toBe('NotFound 404');
      await expect(hands.get('nobody')).rejects.toThrow(/sandboxes\S* "nobody" not found/);
      expect(await refusalOf(client.mergePatch(hands.refTo('nobody'), {}))).toBe('NotFound 404');
      expect(await refusalOf(client.delete(hands.refTo('nobody')))).toBe('NotFound 404');
    });

    test('says so of a resource that it does not know', async () => {
      const unknown = { ...type, plural: 'nonsense' };
      expect(await refusalOf(client.list(unknown, { namespace }))).toBe('NotFound 404');
    });
  });

  describe('when something is changed', () => {
    test('counts changes of the spec, and of nothing else', async () => {
      const ref = hands.refTo('counted');
      const made = await hands.make('counted');
      const labelled = await client.mergePatch<Sandbox>(ref, { metadata: { labels: { a: 'b' } } });
      expect(labelled.metadata).toMatchObject({ generation: 1, labels: { a: 'b' } });
      expect(versionOf(labelled)).not.toBe(versionOf(made));
      const stopped = await client.mergePatch<Sandbox>(ref, { spec: { desiredState: 'Stopped' } });
      expect(stopped.metadata.generation).toBe(2);
      const told = await client.mergePatch<Sandbox>(ref, { status: { observedGeneration: 2 } }, status);
      expect(told.metadata.generation).toBe(2);
    });

    test('writes nothing where nothing changes', async () => {
      await hands.make('same', { spec: lasting });
      const ref = hands.refTo('same');
      // A default of the schema is stored by the first write after the creation, whatever that is of.
      const told = await client.mergePatch<Sandbox>(ref, { status: { phase: 'Pending' } }, status);
      const again = await client.mergePatch<Sandbox>(ref, { spec: { desiredState: 'Running' } });
      expect(again).toEqual(told);
      const toldAgain = await client.mergePatch<Sandbox>(ref, { status: { phase: 'Pending' } }, status);
      expect(toldAgain).toEqual(told);
    });

    test('keeps the status apart from everything else', async () => {
      const ref = hands.refTo('apart');
      await hands.make('apart');
      const told = await client.mergePatch<Sandbox>(
        ref,
        { status: { phase: 'Pending' }, spec: { desiredState: 'Stopped' }, metadata: { labels: { by: 'status' } } },
        status,
      );
      expect(told).toMatchObject({ status: { phase: 'Pending' }, spec: { desiredState: 'Running' } });
      expect(told.metadata.labels).toBeUndefined();
      const changed = await client.mergePatch<Sandbox>(ref, {
        status: { phase: 'Ready' },
        spec: { desiredState: 'Stopped' },
      });
      expect(changed).toMatchObject({ status: { phase: 'Pending' }, spec: { desiredState: 'Stopped' } });
    });

    test('merges objects, replaces lists, and takes away what is null', async () => {
      const ref = hands.refTo('merged');
      await hands.make('merged', { metadata: { annotations: { a: '1', b: '2' } } });
      const env = [{ name: 'A', value: '1' }];
      await client.mergePatch<Sandbox>(ref, { spec: { env: [...env, { name: 'B', value: '2' }] } });
      const after = await client.mergePatch<Sandbox>(ref, {
        metadata: { annotations: { b: null, c: '3' } },
        spec: { env },
      });
      expect(after.metadata.annotations).toEqual({ a: '1', c: '3' });
      expect(after.spec.env).toEqual(env);
    });

    test('carries out a JSON patch in order, or none of it', async () => {
      const ref = hands.refTo('patched');
      const made = await hands.make('patched');
      const add = { op: 'add', path: '/status', value: { phase: 'Pending', observedGeneration: 1 } } as const;
      const patched = await client.jsonPatch<Sandbox>(
        ref,
        [{ op: 'test', path: '/status/observedGeneration', value: -1 }, add],
        status,
      );
      expect(patched.status).toEqual({ phase: 'Pending', observedGeneration: 1 });
      const phase = { op: 'replace', path: '/status/phase', value: 'Ready' } as const;
      for (const operation of [
        { op: 'test', path: '/status/observedGeneration', value: 7 },
        { op: 'test', path: '/status/workspace/epoch', value: 1 },
        { op: 'remove', path: '/status/podName' },
      ] as const) {
        expect(await refusalOf(client.jsonPatch(ref, [phase, operation], status))).toBe('Invalid 422');
      }
      expect((await hands.get('patched')).status).toEqual(patched.status);
      expect(made.metadata.uid).toBe(patched.metadata.uid);
    });

    test('refuses to change what cannot be changed', async () => {
      const ref = hands.refTo('fixed');
      await hands.make('fixed');
      expect(await refusalOf(client.mergePatch(ref, { spec: { userId: 'bob' } }))).toBe('Invalid 422');
      await expect(client.mergePatch(ref, { spec: { userId: 'bob' } })).rejects.toThrow(/spec\.userId/);
      expect(await refusalOf(client.mergePatch(ref, { metadata: { uid: OTHER_UID } }))).toBe('Invalid 422');
    });
  });

  describe('when it has changed since it was seen', () => {
    test('refuses each kind of write, and takes it with the version that there is', async () => {
      const ref = hands.refTo('seen');
      const made = await hands.make('seen');
      const spec = { desiredState: 'Stopped' } as const;
      const patchVersion = (value: string) => [
        { op: 'replace' as const, path: '/metadata/resourceVersion', value },
        { op: 'replace' as const, path: '/spec/desiredState', value: 'Suspended' },
      ];
      const merge = (resourceVersion: string) =>
        client.mergePatch<Sandbox>(ref, { metadata: { resourceVersion }, spec });
      const mergeStatus = (resourceVersion: string) =>
        client.mergePatch<Sandbox>(ref, { metadata: { resourceVersion }, status: { phase: 'Pending' } }, status);
      const put = (object: Sandbox, resourceVersion: string) =>
        client.replace<Sandbox>(ref, { ...object, metadata: { ...object.metadata, resourceVersion } });
      for (const stale of [
        () => merge(OLD_VERSION),
        () => mergeStatus(OLD_VERSION),
        () => client.jsonPatch(ref, patchVersion(OLD_VERSION)),
        () => client.jsonPatch(ref, patchVersion(OLD_VERSION), status),
        () => put(made, OLD_VERSION),
        () => client.delete(ref, { resourceVersion: OLD_VERSION }),
      ]) {
        expect(await refusalOf(stale())).toBe('Conflict 409');
      }
      expect(versionOf(await hands.get('seen'))).toBe(versionOf(made));
      const merged = await merge(versionOf(made));
      const told = await mergeStatus(versionOf(merged));
      const patched = await client.jsonPatch<Sandbox>(ref, patchVersion(versionOf(told)));
      const replaced = await put({ ...patched, spec: { ...patched.spec, ...spec } }, versionOf(patched));
      expect(replaced).toMatchObject({ spec, status: { phase: 'Pending' }, metadata: { generation: 4 } });
    });

    test('refuses to replace or delete another object of the same name, and to replace one without a version', async () => {
      const ref = hands.refTo('other');
      const made = await hands.make('other');
      const another = { ...made, metadata: { ...made.metadata, uid: OTHER_UID } };
      expect(await refusalOf(client.replace(ref, another))).toBe('Conflict 409');
      expect(await refusalOf(client.delete(ref, { uid: OTHER_UID }))).toBe('Conflict 409');
      const { resourceVersion: _none, ...metadata } = made.metadata;
      expect(await refusalOf(client.replace(ref, { ...made, metadata }))).toBe('Invalid 422');
      await client.delete(ref, { uid: made.metadata.uid ?? '', resourceVersion: versionOf(made) });
      expect(await refusalOf(hands.get('other'))).toBe('NotFound 404');
    });
  });
};
