import { describe, expect, it, test } from '@jest/globals';
import * as fc from 'fast-check';
import { USER_ID_PATTERN, workspacePrefix } from '../../../src/api/workspace-id.ts';
import { sessionPolicy, userStatements, type PolicyStatement } from '../../../src/node/cold/user-policy.ts';
import { isAllowed, Policy } from '../../support/fake-aws/policy.ts';

const listOf = (value: readonly string[] | string): readonly string[] => (typeof value === 'string' ? [value] : value);

const allows = (statements: readonly PolicyStatement[], action: string, resource: string, prefix?: string): boolean =>
  isAllowed([Policy.parse({ Version: '2012-10-17', Statement: statements })], {
    action,
    resource,
    context: prefix === undefined ? {} : { 's3:prefix': prefix },
  });

const BUCKET = 'files';
const NASTY = [
  'ann',
  'anna',
  'Ann',
  'ANN',
  'a',
  '..',
  '.',
  '-',
  '_',
  'x--',
  'ann.',
  'ann-',
  'ann.b',
  'a'.repeat(255),
  'a'.repeat(63),
  'a'.repeat(64),
];
const userId = fc.oneof(fc.constantFrom(...NASTY), fc.stringMatching(new RegExp(USER_ID_PATTERN)));

describe("one user's policy", () => {
  it('reaches the whole of the own prefix', () => {
    fc.assert(
      fc.property(userId, (id) => {
        const policy = userStatements(BUCKET, id);
        for (const action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']) {
          expect(allows(policy, action, `arn:aws:s3:::${BUCKET}/${workspacePrefix(id)}cold/a`)).toBe(true);
        }
        expect(allows(policy, 's3:ListBucket', `arn:aws:s3:::${BUCKET}`, `${workspacePrefix(id)}cold/`)).toBe(true);
      }),
    );
  });

  it('reaches no object and no name of anybody else, whatever the two are called', () => {
    fc.assert(
      fc.property(userId, userId, fc.string(), (id, other, key) => {
        fc.pre(id !== other);
        const policy = userStatements(BUCKET, id);
        const foreign = `${workspacePrefix(other)}${key}`;
        for (const action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject']) {
          expect(allows(policy, action, `arn:aws:s3:::${BUCKET}/${foreign}`)).toBe(false);
        }
        expect(allows(policy, 's3:ListBucket', `arn:aws:s3:::${BUCKET}`, foreign)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  it('lists neither the bucket, nor all users, nor half of a name', () => {
    const policy = userStatements(BUCKET, 'anna');
    for (const prefix of [undefined, '', 'users/', 'users/ann', 'users/anna', 'users']) {
      expect(allows(policy, 's3:ListBucket', `arn:aws:s3:::${BUCKET}`, prefix)).toBe(false);
    }
  });

  it('has no pattern but the one at its end, and fits into a session policy', () => {
    fc.assert(
      fc.property(userId, (id) => {
        const policy = sessionPolicy('b'.repeat(63), id, 'us-gov-west-1');
        expect(JSON.stringify(policy).length).toBeLessThanOrEqual(2048);
        const patterns = policy.Statement.flatMap(({ Resource, Condition }) => [
          ...listOf(Resource),
          ...(Condition?.StringLike['s3:prefix'] ?? []),
        ]);
        for (const pattern of patterns) expect(pattern.replace(/\/\*$/, '')).not.toMatch(/[*?$]/);
      }),
    );
  });

  test.each(['*', '?', '${aws:PrincipalTag/uid}', 'ann/../bob', 'ann\n', 'ünal', 'аnn', '', 'a'.repeat(256)])(
    '%j is no user id: there is no policy for it',
    (id) => {
      expect(() => userStatements(BUCKET, id)).toThrow(RangeError);
    },
  );

  test.each(['*', 'a*b', '${x}', 'a/b', ''])('bucket %j is refused', (bucket) => {
    expect(() => userStatements(bucket, 'ann')).toThrow(RangeError);
  });

  it('names the partition of its region', () => {
    expect(sessionPolicy(BUCKET, 'ann', 'cn-north-1').Statement[1]?.Resource).toBe('arn:aws-cn:s3:::files');
  });
});
