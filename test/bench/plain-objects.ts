import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { Agent } from 'node:http';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, paginateListObjectsV2, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Environment } from '../support/e2e/environment.ts';

/** What a program does that stores a folder as it is: an object a file. */
export interface PlainObjects {
  readonly upload: (folder: string, prefix: string, signal: AbortSignal) => Promise<void>;
  readonly download: (prefix: string, folder: string, signal: AbortSignal) => Promise<void>;
  /** Sent so far. */
  readonly requests: () => number;
  readonly close: () => void;
}

const CONCURRENCY = 64;

/** The AWS SDK as it comes, with as many connections as requests at once. */
export const makePlainObjects = (environment: Environment): PlainObjects => {
  const endpoint = environment.AWS_ENDPOINT_URL_S3;
  const Bucket = environment.MATRX_S3_BUCKET;
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    region: environment.AWS_REGION,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID,
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY,
    },
    requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, maxSockets: CONCURRENCY }) }),
  });
  let sent = 0;

  const upload: PlainObjects['upload'] = async (folder, prefix, abortSignal) => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    await inParallel(paths, async (path) => {
      sent += 1;
      const input = {
        Bucket,
        Key: prefix + path.slice(folder.length + 1),
        Body: createReadStream(path),
        ContentLength: (await stat(path)).size,
      };
      await client.send(new PutObjectCommand(input), { abortSignal });
    });
  };

  const download: PlainObjects['download'] = async (prefix, folder, abortSignal) => {
    const keys: string[] = [];
    for await (const page of paginateListObjectsV2({ client }, { Bucket, Prefix: prefix }, { abortSignal })) {
      sent += 1;
      keys.push(...(page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key])));
    }
    await inParallel(keys, async (Key) => {
      sent += 1;
      const target = join(folder, Key.slice(prefix.length));
      await mkdir(dirname(target), { recursive: true });
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }), { abortSignal });
      await pipeline(Body as Readable, createWriteStream(target));
    });
  };

  return {
    upload,
    download,
    requests: () => sent,
    close: () => {
      client.destroy();
    },
  };
};

const inParallel = async <T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> => {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await act(item);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
};
