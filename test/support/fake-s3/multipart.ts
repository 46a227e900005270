import { hash } from 'node:crypto';
import { type Answer, errorAnswer, type FakeBucket, keptHeaders } from './buckets.ts';
import type { FakeRequest } from './requests.ts';
import { putCurrent } from './versions.ts';

interface Upload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Buffer>;
}

const uploadsOf = new WeakMap<FakeBucket, Map<string, Upload>>();

/** Applies a request of a multipart upload; nothing of one is seen before it is complete. */
export const applyMultipart = (bucket: FakeBucket, request: FakeRequest): Answer => {
  const uploads = uploadsOf.get(bucket) ?? new Map<string, Upload>();
  uploadsOf.set(bucket, uploads);
  const { operation, key, headers, query, body } = request;
  if (operation === 'CreateMultipartUpload') {
    const id = `upload-${request.index}`;
    uploads.set(id, { key, headers: keptHeaders(headers), parts: new Map() });
    return xmlAnswer(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
  }
  const id = query.get('uploadId') ?? '';
  const upload = uploads.get(id);
  if (upload?.key !== key) return errorAnswer(404, 'NoSuchUpload');
  switch (operation) {
    case 'UploadPart':
      upload.parts.set(Number(query.get('partNumber')), body);
      return { status: 200, headers: { etag: etagOf(body) } };
    case 'AbortMultipartUpload':
      uploads.delete(id);
      return { status: 204 };
    default:
      return complete(bucket, uploads, id, request);
  }
};

const complete = (bucket: FakeBucket, uploads: Map<string, Upload>, id: string, { key, body }: FakeRequest): Answer => {
  const { parts, headers } = uploads.get(id)!;
  const listed = [...body.toString().matchAll(/<Part>([\s\S]*?)<\/Part>/g)].map(([, text = '']) => ({
    number: Number(/<PartNumber>(\d+)</.exec(text)?.[1]),
    etag: /<ETag>(?:&#34;|&quot;|")?([0-9a-f]{32})/.exec(text)?.[1],
  }));
  const bodies = listed.map(({ number, etag }) => {
    const part = parts.get(number);
    return part !== undefined && etagOf(part) === `"${etag}"` ? part : undefined;
  });
  if (bodies.length === 0 || bodies.includes(undefined)) return errorAnswer(400, 'InvalidPart');
  const whole = Buffer.concat(bodies as Buffer[]);
  const etag = `"${hash('md5', whole, 'hex')}-${bodies.length}"`;
  putCurrent(bucket, key, { body: whole, etag, lastModified: new Date(), headers });
  uploads.delete(id);
  return xmlAnswer(
    `<CompleteMultipartUploadResult><ETag>${etag.replaceAll('"', '&quot;')}</ETag></CompleteMultipartUploadResult>`,
  );
};

const etagOf = (body: Buffer): string => `"${hash('md5', body, 'hex')}"`;

const xmlAnswer = (text: string): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0"?>${text}`,
});
