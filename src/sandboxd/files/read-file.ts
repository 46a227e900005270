import type { FileHandle } from 'node:fs/promises';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { DaemonError } from '../protocol/problem.ts';
import type { DaemonRequest } from '../route.ts';
import { type BytePath, toText } from './byte-path.ts';
import { entityTag } from './file-info.ts';
import { isRangeWanted, judgeRead } from './preconditions.ts';
import { type ByteRange, parseRange } from './range.ts';
import { openForReading, sendBytes } from './send-bytes.ts';

/** Answers a GET or HEAD of a file. */
export const answerFile = async (path: BytePath, request: DaemonRequest, response: ServerResponse): Promise<void> => {
  const handle = await openForReading(path);
  try {
    const stats = await handle.stat({ bigint: true });
    const size = Number(stats.size);
    const etag = entityTag(stats);
    response.setHeader('ETag', etag);
    response.setHeader('Last-Modified', new Date(Number(stats.mtimeMs)).toUTCString());
    response.setHeader('Accept-Ranges', 'bytes');
    const { headers, method } = request.raw;
    const verdict = judgeRead(headers, etag);
    if (verdict === 'failed') throw changed(path);
    if (verdict === 'not-modified') {
      response.writeHead(304).end();
      return;
    }
    response.setHeader('Content-Type', 'application/octet-stream');
    if (size === 0 && method === 'GET' && (await answerUnsized(handle, response, request.signal))) return;
    // HEAD knows no ranges (RFC 9110, 14.2).
    const range = method === 'GET' ? rangeOf(headers, size, etag) : { kind: 'whole' as const };
    const { from, length } = announce(range, size, path, response);
    if (method === 'HEAD') {
      response.end();
      return;
    }
    await sendBytes(handle, response, { from, length }, request.signal);
    response.end();
  } finally {
    await handle.close();
  }
};

export const changed = (path: BytePath): DaemonError =>
  new DaemonError(
    'failed_precondition',
    `${toText(path)}: it is not what the request wants it to be`,
    undefined,
    'changed',
  );

const rangeOf = (headers: IncomingHttpHeaders, size: number, etag: string): ByteRange =>
  isRangeWanted(headers, etag) ? parseRange(headers.range, size) : { kind: 'whole' };

/** Sends the head of the answer. */
const announce = (
  range: ByteRange,
  size: number,
  path: BytePath,
  response: ServerResponse,
): { readonly from: number; readonly length: number } => {
  if (range.kind === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${size}`);
    throw new DaemonError('out_of_range', `${toText(path)}: it has only ${size} bytes`, undefined, 'range');
  }
  if (range.kind === 'whole') {
    response.writeHead(200, { 'Content-Length': size });
    return { from: 0, length: size };
  }
  const { from, length } = range;
  response.writeHead(206, { 'Content-Length': length, 'Content-Range': `bytes ${from}-${from + length - 1}/${size}` });
  return { from, length };
};

const READ_BYTES = 64 * 1024;

/** A file of /proc says that it has no bytes, and has some; they are read until they end. False where there are none. */
const answerUnsized = async (handle: FileHandle, response: ServerResponse, signal: AbortSignal): Promise<boolean> => {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let { bytesRead } = await handle.read(buffer, 0, READ_BYTES);
  if (bytesRead === 0) return false;
  response.writeHead(200);
  while (bytesRead > 0 && !signal.aborted) {
    const bytes = Buffer.from(buffer.subarray(0, bytesRead));
    await new Promise<void>((resolve) => {
      response.write(bytes, () => resolve());
    });
    ({ bytesRead } = await handle.read(buffer, 0, READ_BYTES));
  }
  response.end();
  return true;
};
