import { makeS3Client, type S3Connection } from './client.ts';

/** What the AWS SDK's own chain finds for this process. */
export interface OwnCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Wall time in milliseconds. */
  readonly expiresAt?: number;
}

/** Asked anew each time; the chain keeps what has not expired. */
export const makeOwnCredentials = (connection: S3Connection): (() => Promise<OwnCredentials>) => {
  const client = makeS3Client(connection);
  return async () => {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await client.config.credentials();
    return {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      ...(expiration === undefined ? {} : { expiresAt: expiration.getTime() }),
    };
  };
};
