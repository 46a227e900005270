import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ResourceType } from '../../../src/kube/client.ts';
import type { ClusterAccess } from '../../../src/kube/cluster-access.ts';
import { apiVersionOf, collectionPath, objectPath } from '../../../src/kube/resource-path.ts';
import { type ContractSubject, type Hands, makeHands, rawRequest, type RawAnswer } from './subject.ts';

const MERGE = 'application/merge-patch+json';

/** What is on the wire when something is refused: metav1.Status, which `src/kube/status-error.ts` reads. */
export const bodiesContract = (given: () => ContractSubject): void => {
  describe('when it refuses, in its body', () => {
    let access: ClusterAccess;
    let hands: Hands;
    let collection: string;
    let type: ResourceType;
    beforeAll(() => {
      const subject = given();
      if (subject.access === undefined) throw new Error('this subject has no connection');
      access = subject.access;
      hands = makeHands(subject);
      ({ type } = subject);
      collection = collectionPath(subject.type, subject.namespace);
    });
    const send = (method: string, path: string, contentType: string, json: unknown): Promise<RawAnswer> =>
      rawRequest(access, method, path, { contentType, json });
    const failure = (code: number, reason: string) => ({
      code,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        status: 'Failure',
        reason,
        code,
        message: expect.any(String) as unknown,
      },
    });

    test('says that there is none (404)', async () => {
      const answer = await rawRequest(access, 'GET', objectPath(hands.refTo('nobody-here')));
      expect(answer).toMatchObject(failure(404, 'NotFound'));
    });

    test('tells a name that is taken (409 AlreadyExists) from a version that is old (409 Conflict)', async () => {
      await hands.make('body');
      const object = {
        apiVersion: apiVersionOf(type),
        kind: type.kind,
        metadata: { name: 'body' },
        spec: { userId: 'a' },
      };
      expect(await send('POST', collection, 'application/json', object)).toMatchObject(failure(409, 'AlreadyExists'));
      const stale = { metadata: { resourceVersion: '1' }, spec: { desiredState: 'Stopped' } };
      const path = objectPath(hands.refTo('body'));
      expect(await send('PATCH', path, MERGE, stale)).toMatchObject(failure(409, 'Conflict'));
    });

    test('names the field that is to blame (422)', async () => {
      await hands.make('blamed');
      const path = objectPath(hands.refTo('blamed'));
      const answer = await send('PATCH', path, MERGE, { spec: { userId: 'another' } });
      expect(answer).toMatchObject(failure(422, 'Invalid'));
      const causes = { details: { causes: [{ reason: 'FieldValueInvalid', field: 'spec.userId' }] } };
      expect(answer.body).toMatchObject(causes);
    });

    test('says that a version is too old in an event of its own (200, then 410 Expired)', async () => {
      const answer = await rawRequest(access, 'GET', `${collection}?watch=true&resourceVersion=1&timeoutSeconds=5`);
      expect(answer).toMatchObject({ code: 200, body: { type: 'ERROR', object: failure(410, 'Expired').body } });
    });

    test('takes no patch of a type that it does not know (415)', async () => {
      await hands.make('typed');
      const answer = await send('PATCH', objectPath(hands.refTo('typed')), 'application/json', {});
      expect(answer.code).toBe(415);
    });
  });
};
