import type { FakeRequest } from '../fake-s3/requests.ts';
import type { PolicyRequest } from './policy.ts';

const objectAction = ({ operation }: Pick<FakeRequest, 'operation'>): string => {
  if (operation === 'GetObject' || operation === 'HeadObject') return 's3:GetObject';
  if (operation === 'DeleteObject') return 's3:DeleteObject';
  if (operation === 'AbortMultipartUpload') return 's3:AbortMultipartUpload';
  return 's3:PutObject';
};

/**
 * All that a request to S3 needs to be allowed.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */
export const permissionsOf = (request: Omit<FakeRequest, 'index'>): readonly PolicyRequest[] => {
  const { operation, bucket, key, query, body } = request;
  const arn = `arn:aws:s3:::${bucket}`;
  if (operation === 'DeleteObjects') {
    return [...body.toString().matchAll(/<Object>(.*?)<\/Object>/gs)].map(([, one = '']) => ({
      action: one.includes('<VersionId>') ? 's3:DeleteObjectVersion' : 's3:DeleteObject',
      resource: `${arn}/${/<Key>([^<]*)<\/Key>/.exec(one)?.[1] ?? ''}`,
      context: {},
    }));
  }
  if (operation === 'ListObjectsV2' || operation === 'ListObjectVersions') {
    const prefix = query.get('prefix');
    const action = operation === 'ListObjectsV2' ? 's3:ListBucket' : 's3:ListBucketVersions';
    return [{ action, resource: arn, context: prefix === null ? {} : { 's3:prefix': prefix } }];
  }
  if (key === '') return [{ action: `s3:${operation}`, resource: arn, context: {} }];
  return [{ action: objectAction(request), resource: `${arn}/${key}`, context: {} }];
};
