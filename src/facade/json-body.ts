import type { IncomingMessage } from 'node:http';
import { errorMessage } from '../base/errors.ts';
import { echo, invalidInput } from './input-error.ts';
import { problemError } from './problem.ts';
import { ClientGone } from './request-state.ts';

/** Deeper JSON is refused: everything behind this walks values recursively. */
const MAX_DEPTH = 64;

const JSON_TYPE = /^application\/([\w.+-]+\+)?json$/i;

/**
 * The JSON of a request's body, undefined where it has none. Throws 413 beyond `maxBytes`, 415 for what is not said to
 * be plain JSON, and 422 for what is no JSON, is not UTF-8 or is nested too deeply.
 */
export const readJsonBody = async (request: IncomingMessage, maxBytes: number): Promise<unknown> => {
  const body = await readBody(request, maxBytes);
  if (body.length === 0) return undefined;
  requireJson(request.headers['content-type'], request.headers['content-encoding']);
  return parseJson(body);
};

const readBody = async (request: IncomingMessage, maxBytes: number): Promise<Buffer> => {
  const tooLarge = () =>
    problemError('body-too-large', `The body is larger than the ${maxBytes} bytes that are accepted`);
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    // Destroyed, the request would take the connection with it, and the client would never read why.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    throw request.errored === null ? error : new ClientGone({ cause: error });
  }
  return Buffer.concat(chunks);
};

const requireJson = (contentType: string | undefined, contentEncoding: string | undefined): void => {
  const [mediaType = ''] = (contentType ?? '').split(';');
  if (!JSON_TYPE.test(mediaType.trim())) {
    throw problemError(
      'unsupported-media-type',
      `Content-Type is ${contentType === undefined ? 'missing' : JSON.stringify(contentType)}: send application/json`,
    );
  }
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity') {
    throw problemError(
      'unsupported-media-type',
      `Content-Encoding ${JSON.stringify(contentEncoding)} is not accepted: send the body as it is`,
    );
  }
};

const parseJson = (body: Buffer): unknown => {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body);
    if (isDeeperThan(text, MAX_DEPTH)) throw new RangeError(`nested more than ${MAX_DEPTH} levels deep`);
    value = JSON.parse(text);
  } catch (error) {
    const msg = `JSON decode error: ${errorMessage(error)}`;
    throw invalidInput([{ type: 'json_invalid', loc: ['body'], msg, input: echo(body.toString('utf8')) }]);
  }
  return value;
};

/** Counts brackets outside strings, without building anything. Right for valid JSON; JSON.parse refuses the rest. */
const isDeeperThan = (text: string, limit: number): boolean => {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (inString) {
      if (char === '\\') at++;
      else if (char === '"') inString = false;
    } else if (char === '"') inString = true;
    else if (char === '{' || char === '[') {
      depth++;
      if (depth > limit) return true;
    } else if (char === '}' || char === ']') depth--;
  }
  return false;
};
