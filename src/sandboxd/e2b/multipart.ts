import { DaemonError } from '../protocol/problem.ts';

export interface Part {
  readonly name: string;
  /** Undefined where the part is no file. Bytes, as latin1. */
  readonly filename: string | undefined;
  /** Read it before the next part; what is left of it is passed over. */
  readonly body: AsyncGenerator<Buffer>;
}

const MAX_HEADER_BYTES = 16_384;

const malformed = (why: string): DaemonError =>
  new DaemonError('invalid_argument', `the form is not well-formed: ${why}`);

/** Of `multipart/form-data; boundary=…`. Throws invalid_argument. */
export const boundaryOf = (contentType: string): string => {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined || boundary.length > 200) throw malformed('it has no boundary');
  return boundary;
};

/** The parts of a form (RFC 7578), each as it comes: none is held as a whole. Throws invalid_argument. */
export async function* readParts(chunks: AsyncIterable<Buffer>, boundary: string): AsyncGenerator<Part> {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const source = chunks[Symbol.asyncIterator]();
  // The first delimiter has no line before it.
  let rest: Buffer = Buffer.from('\r\n');

  const fill = async (): Promise<void> => {
    const { done, value } = await source.next();
    if (done === true) throw malformed('it ends too early');
    rest = rest.length === 0 ? value : Buffer.concat([rest, value]);
  };
  /** All up to the next delimiter, which is taken away. */
  async function* untilDelimiter(): AsyncGenerator<Buffer> {
    for (;;) {
      const at = rest.indexOf(delimiter);
      if (at !== -1) {
        const last = rest.subarray(0, at);
        rest = rest.subarray(at + delimiter.length);
        if (last.length > 0) yield last;
        return;
      }
      // The end of it may be the beginning of a delimiter.
      const safe = rest.length - delimiter.length + 1;
      if (safe > 0) {
        const some = rest.subarray(0, safe);
        rest = rest.subarray(safe);
        yield some;
      }
      await fill();
    }
  }
  const takeUntil = async (mark: string): Promise<string> => {
    for (;;) {
      const at = rest.indexOf(mark, 0, 'latin1');
      if (at !== -1 && at <= MAX_HEADER_BYTES) {
        const head = rest.toString('latin1', 0, at);
        rest = rest.subarray(at + mark.length);
        return head;
      }
      if (rest.length > MAX_HEADER_BYTES) throw malformed('a part has a head without an end');
      await fill();
    }
  };
  await passOver(untilDelimiter());
  for (;;) {
    while (rest.length < 2) await fill();
    if (rest.toString('latin1', 0, 2) === '--') return;
    const [padding = '', ...headers] = (await takeUntil('\r\n\r\n')).split('\r\n');
    if (padding.trim() !== '') throw malformed('something stands behind a boundary');
    let isRead = false;
    const body = async function* (): AsyncGenerator<Buffer> {
      yield* untilDelimiter();
      isRead = true;
    };
    yield { ...dispositionOf(headers), body: body() };
    if (!isRead) await passOver(untilDelimiter());
  }
}

const passOver = async (body: AsyncGenerator<Buffer>): Promise<void> => {
  while ((await body.next()).done !== true);
};

const dispositionOf = (headers: readonly string[]): Pick<Part, 'name' | 'filename'> => {
  const disposition = headers.find((header) => /^content-disposition:/i.test(header)) ?? '';
  return { name: parameterOf(disposition, 'name') ?? '', filename: parameterOf(disposition, 'filename') };
};

/**
 * Browsers and their kin percent-encode the quote and line ends alone (HTML, multipart/form-data encoding algorithm);
 * others put a backslash before a quote or a backslash.
 */
const parameterOf = (disposition: string, name: string): string | undefined => {
  const quoted = new RegExp(`;\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(disposition)?.[1];
  if (quoted === undefined) return new RegExp(`;\\s*${name}=([^\\s;"]+)`, 'i').exec(disposition)?.[1];
  return quoted
    .replace(/\\(["\\])/g, '$1')
    .replaceAll('%22', '"')
    .replaceAll(/%0D/gi, '\r')
    .replaceAll(/%0A/gi, '\n');
};
