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
    return [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, one = '']) => ({
      action: 's3:DeleteObject',
      resource: `${arn}/${one}`,
      context: {},
    }));
  }
  if (operation === 'ListObjectsV2') {
    const prefix = query.get('prefix');
    return [{ action: 's3:ListBucket', resource: arn, context: prefix === null ? {} : { 's3:prefix': prefix } }];
  }
  if (key === '') return [{ action: `s3:${operation}`, resource: arn, context: {} }];
  return [{ action: objectAction(request), resource: `${arn}/${key}`, context: {} }];
};
