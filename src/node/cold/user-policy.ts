import { workspacePrefix } from '../../api/workspace-id.ts';

/** What one user's key may do to objects. No DeleteObjectVersion: old versions outlive whoever steals the key. */
const OBJECT_ACTIONS = [
  's3:GetObject',
  's3:PutObject',
  's3:DeleteObject',
  's3:AbortMultipartUpload',
  's3:ListMultipartUploadParts',
] as const;

export interface PolicyStatement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[] | string;
  readonly Resource: readonly string[] | string;
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } };
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/** `aws`, or the other partitions' name, which is part of every ARN. */
export const partitionOf = (region: string): 'aws' | 'aws-cn' | 'aws-us-gov' => {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
};

/**
 * Everything below `users/<id>/` and nothing else. The id is a DNS label (src/api/workspace-id.ts), so no user id can
 * bring a wildcard or a policy variable in; the prefix ends in `/`, so that `ann` does not reach `anna`. Throws a
 * RangeError for what is no user id, and for a bucket's name that could be a pattern.
 */
export const userStatements = (bucket: string, userId: string, partition = 'aws'): readonly PolicyStatement[] => {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new RangeError(`bucket ${JSON.stringify(bucket)} cannot be put into a policy: it is no S3 bucket name`);
  }
  const own = `${workspacePrefix(userId)}*`;
  const arn = `arn:${partition}:s3:::${bucket}`;
  return [
    { Effect: 'Allow', Action: OBJECT_ACTIONS, Resource: `${arn}/${own}` },
    { Effect: 'Allow', Action: 's3:ListBucket', Resource: arn, Condition: { StringLike: { 's3:prefix': [own] } } },
  ];
};

/** The session policy of STS: what is granted is no more than this, whatever the role may. Under its 2,048 characters. */
export const sessionPolicy = (bucket: string, userId: string, region: string): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: userStatements(bucket, userId, partitionOf(region)),
});
