import type { IncomingMessage } from 'node:http';

/** One request as the fake saw it. */
export interface FakeRequest {
  /** From 0, over the whole life of the server. */
  readonly index: number;
  /** The S3 operation: `GetObject`, `PutObject`, `ListObjectsV2`, `CreateMultipartUpload`, … */
  readonly operation: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** What the log keeps: bodies would pile up. */
export type LoggedRequest = Omit<FakeRequest, 'body'>;

export const readRequest = async (message: IncomingMessage): Promise<Omit<FakeRequest, 'index'>> => {
  const url = new URL(message.url ?? '/', 'http://fake');
  const [, bucket = '', ...rest] = url.pathname.split('/');
  const key = rest.map(decodeURIComponent).join('/');
  const pieces: Buffer[] = [];
  for await (const piece of message as AsyncIterable<Buffer>) pieces.push(piece);
  return {
    operation: operationOf(message.method ?? '', key, url.searchParams),
    bucket,
    key,
    query: url.searchParams,
    headers: message.headers,
    body: Buffer.concat(pieces),
  };
};

const operationOf = (method: string, key: string, query: URLSearchParams): string => {
  if (method === 'POST' && query.has('delete')) return 'DeleteObjects';
  if (query.has('uploads') || query.has('uploadId')) return multipartOperation(method, query);
  if (method === 'GET' && key === '' && query.has('versions')) return 'ListObjectVersions';
  if (method === 'GET') return key === '' ? 'ListObjectsV2' : 'GetObject';
  if (method === 'PUT') return key === '' ? 'CreateBucket' : 'PutObject';
  if (method === 'HEAD') return key === '' ? 'HeadBucket' : 'HeadObject';
  if (method === 'DELETE') return 'DeleteObject';
  return `${method} is not spoken here`;
};

const multipartOperation = (method: string, query: URLSearchParams): string => {
  if (method === 'PUT') return 'UploadPart';
  if (method === 'DELETE') return 'AbortMultipartUpload';
  if (method !== 'POST') return `${method} of an upload is not spoken here`;
  return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
};
