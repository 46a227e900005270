import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';

export interface S3Connection {
  /** Another S3 than AWS's: `http://127.0.0.1:7070`. Buckets are then path segments, not host names. */
  readonly endpoint?: string;
  readonly region?: string;
  /** Without it, the SDK's default chain: environment, files, instance role. */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

/** Buffers are budgeted elsewhere; this only must never be the bottleneck, or requests queue behind slow ones. */
const MAX_SOCKETS = 64;

/**
 * The SDK's own retries are off (ours know which writes may be repeated), and so are its checksums of answers (the
 * engine verifies every byte by its own hash). Agents are given explicitly: with none, an `AWS_CA_BUNDLE` in the
 * environment would replace Node's certificate store and its keep-alive.
 */
export const makeS3Client = (connection: S3Connection): S3Client =>
  new S3Client({
    ...(connection.endpoint === undefined ? {} : { endpoint: connection.endpoint, forcePathStyle: true }),
    ...(connection.region === undefined ? {} : { region: connection.region }),
    ...(connection.credentials === undefined ? {} : { credentials: connection.credentials }),
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    followRegionRedirects: true,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: 5_000,
      httpAgent: new HttpAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
      httpsAgent: new HttpsAgent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    }),
  });
