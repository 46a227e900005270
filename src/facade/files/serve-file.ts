import type { IncomingMessage } from 'node:http';
import { DaemonError } from '../../sandboxd/protocol/problem.ts';
import type { FileInfo } from '../../sandboxd/protocol/files.ts';
import type { DaemonTarget } from '../daemon/connections.ts';
import type { DaemonFiles } from '../daemon/files.ts';
import { relayAnswer } from '../relay-answer.ts';
import type { FacadeContext } from '../request-state.ts';
import { contentDisposition, contentTypeOf } from './content-type.ts';
import { type EncodedPath, lastName } from './encoded-path.ts';

/** What a client may ask a file with: ranges, and whether it still has the same. */
const PASSED_ON = ['range', 'if-range', 'if-match', 'if-none-match'] as const;
const PASSED_BACK = ['content-length', 'content-range', 'etag', 'last-modified', 'accept-ranges'] as const;

export interface ServedFile {
  readonly target: DaemonTarget;
  readonly path: EncodedPath;
  readonly download: boolean;
}

/**
 * Sends a file's bytes. It may be anybody's HTML, on the address of this API: a browser shows it in a sandbox, without
 * scripts and as of no origin (CSP), and takes it for nothing but what its type says.
 */
export const serveFile = async (
  context: FacadeContext,
  files: DaemonFiles,
  { target, path, download }: ServedFile,
): Promise<void> => {
  const answer = await openFile(context, files, target, path);
  await relayAnswer(context, {
    status: answer.statusCode ?? 200,
    headers: { ...fileHeaders(lastName(path), download), ...pick(answer.headers, PASSED_BACK) },
    body: answer,
  });
};

/** The answer to a HEAD, which the daemon is not asked for in this form: it would tell no reason for a refusal. */
export const describeFile = (context: FacadeContext, info: FileInfo, path: EncodedPath, download: boolean): void => {
  context.status = 200;
  context.set({
    ...fileHeaders(lastName(path), download),
    ETag: info.etag,
    'Last-Modified': new Date(info.modifiedAt).toUTCString(),
    'Accept-Ranges': 'bytes',
    'Content-Length': String(info.size),
  });
  context.respond = false;
  context.res.end();
};

const openFile = async (
  context: FacadeContext,
  files: DaemonFiles,
  target: DaemonTarget,
  path: EncodedPath,
): Promise<IncomingMessage> => {
  const { signal } = context.state;
  try {
    return await files.read(target, path, pick(context.headers, PASSED_ON), signal);
  } catch (error) {
    if (error instanceof DaemonError && error.reason === 'range') {
      // A client that asks for too much is to hear how much there is.
      const { size } = await files.stat(target, path, true, signal);
      context.set('Content-Range', `bytes */${size}`);
    }
    throw error;
  }
};

export const fileHeaders = (name: string, download: boolean): Readonly<Record<string, string>> => ({
  'Content-Type': contentTypeOf(name),
  'Content-Disposition': contentDisposition(download ? 'attachment' : 'inline', name),
  'Content-Security-Policy': 'sandbox',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // A browser may keep it, and asks each time whether it is still the same.
  'Cache-Control': 'private, no-cache',
});

const pick = (
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  names: readonly string[],
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = headers[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
