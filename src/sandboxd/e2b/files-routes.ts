import type { IncomingMessage } from 'node:http';
import { answerJson } from '../answer.ts';
import { requireUser } from '../connect/user.ts';
import { type BytePath, fromText, nameOf, pathParameter, toText } from '../files/byte-path.ts';
import { answerFile } from '../files/read-file.ts';
import { replaceFile } from '../files/replace-file.ts';
import { bodyOf, type FileDependencies, sizeOf } from '../files/routes.ts';
import { DaemonError } from '../protocol/problem.ts';
import type { Handler, Route } from '../route.ts';
import { asE2b, resolveE2bPath } from './e2b-path.ts';
import { boundaryOf, readParts } from './multipart.ts';

/** `/files` of E2B's daemon: a file's bytes, and uploads as a form or as they are. */
export const e2bFilesRoutes = ({ settings, lock }: FileDependencies): readonly Route[] => {
  const home = fromText(settings.home);

  const read: Handler = async (request, response) => {
    requireUser(request.raw, request.query.get('username'));
    const path = pathParameter(request.raw.url ?? '', 'path');
    await asE2b(() => answerFile(resolveE2bPath(home, required(path)), request, response));
  };

  const write: Handler = async (request, response) => {
    const { raw } = request;
    requireUser(raw, request.query.get('username'));
    const given = pathParameter(raw.url ?? '', 'path');
    const contentType = raw.headers['content-type'] ?? '';
    const store = async (path: BytePath, content: AsyncIterable<Buffer>, size: { readonly size?: number }) => {
      await replaceFile(lock, path, { content, ...size, parents: true });
      return { name: toText(nameOf(path)), type: 'file', path: toText(path) };
    };
    const written = await asE2b(async () => {
      if (/^application\/octet-stream\b/i.test(contentType)) {
        const plain = raw.headers['content-encoding'] === undefined;
        return [await store(resolveE2bPath(home, required(given)), await contentOf(raw), plain ? sizeOf(raw) : {})];
      }
      if (!/^multipart\/form-data\b/i.test(contentType)) {
        throw new DaemonError('invalid_argument', 'send multipart/form-data, or application/octet-stream');
      }
      const files: Awaited<ReturnType<typeof store>>[] = [];
      for await (const { name, filename, body } of readParts(await contentOf(raw), boundaryOf(contentType))) {
        if (name !== 'file') continue;
        const path = resolveE2bPath(home, required(given ?? (filename as BytePath | undefined)));
        if (files.some((file) => file.path === toText(path))) {
          throw new DaemonError(
            'invalid_argument',
            `the form has two files for ${toText(path)}; the first was written`,
          );
        }
        files.push(await store(path, body, {}));
      }
      return files;
    });
    answerJson(response, 200, written);
  };

  return [
    { method: 'GET', path: '/files', handle: read },
    { method: 'HEAD', path: '/files', handle: read },
    { method: 'POST', path: '/files', handle: write },
  ];
};

const required = (path: BytePath | undefined): BytePath => {
  if (path === undefined) throw new DaemonError('invalid_argument', 'the path is missing');
  return path;
};

/** The SDKs compress an upload where they are asked to. */
const contentOf = async (request: IncomingMessage): Promise<AsyncIterable<Buffer>> => {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return bodyOf(request);
  if (encoding !== 'gzip') throw new DaemonError('invalid_argument', `Content-Encoding ${encoding} is not accepted`);
  const { createGunzip } = await import('node:zlib');
  return unpacked(request, createGunzip());
};

async function* unpacked(request: IncomingMessage, gunzip: NodeJS.ReadWriteStream): AsyncGenerator<Buffer> {
  const { pipeline } = await import('node:stream/promises');
  const fed = pipeline(request, gunzip);
  // Heard below, with what the reading says.
  fed.catch(() => undefined);
  try {
    yield* gunzip as unknown as AsyncIterable<Buffer>;
  } catch (error) {
    if (request.errored !== null) throw error;
    throw new DaemonError('invalid_argument', 'the body is no gzip', error);
  }
}
