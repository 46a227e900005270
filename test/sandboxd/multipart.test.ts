import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { boundaryOf, readParts } from '../../src/sandboxd/e2b/multipart.ts';

async function* cut(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

interface Read {
  readonly name: string;
  readonly filename: string | undefined;
  readonly content: string;
}

const read = async (
  bytes: Buffer,
  boundary: string,
  sizes: readonly number[] = [1 << 16],
): Promise<readonly Read[]> => {
  const parts: Read[] = [];
  for await (const { name, filename, body } of readParts(cut(bytes, sizes), boundary)) {
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    parts.push({ name, filename, content: Buffer.concat(chunks).toString('latin1') });
  }
  return parts;
};

const form = (text: string): Buffer => Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1');

describe('a form', () => {
  test('comes out as fetch sends it, however it is cut and whatever the files hold', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.stringMatching(/^(\r\n|--|-|form|x){0,60}$/).map((text) => new Uint8Array(Buffer.from(text, 'latin1'))),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom('f', 'a b', 'ü', 'q"q', 'n\nn', '100%'), bytes), { maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        async (files, sizes) => {
          const data = new FormData();
          for (const [filename, content] of files) data.append('file', new Blob([content]), filename);
          const sent = new Response(data);
          const boundary = boundaryOf(sent.headers.get('content-type') ?? '');
          const parts = await read(Buffer.from(await sent.arrayBuffer()), boundary, sizes);
          expect(parts).toEqual(
            files.map(([filename, content]) => ({
              name: 'file',
              filename: Buffer.from(filename, 'utf8').toString('latin1'),
              content: Buffer.from(content).toString('latin1'),
            })),
          );
        },
      ),
    );
  });

  test('may have a preamble, an epilogue, padding behind its boundaries and parts without heads', async () => {
    const text =
      'preamble\n--x  \n\nno head\n--x\nContent-Disposition: form-data; name=plain\n\nvalue\n--x--\nepilogue --x\n';
    expect(await read(form(text), 'x')).toEqual([
      { name: '', filename: undefined, content: 'no head' },
      { name: 'plain', filename: undefined, content: 'value' },
    ]);
  });

  test('takes names with backslashes as they are meant', async () => {
    const head = String.raw`Content-Disposition: form-data; name="file"; filename="a\"b\\c\d"`;
    expect((await read(form(`--x\n${head}\n\n\n--x--`), 'x'))[0]?.filename).toBe(String.raw`a"b\c\d`);
  });

  test('passes over what of a part is not read', async () => {
    const text =
      '--x\nContent-Disposition: form-data; name="a"\n\nlong\n--x\nContent-Disposition: form-data; name="b"\n\nB\n--x--';
    const names: string[] = [];
    for await (const { name, body } of readParts(cut(form(text), [3]), 'x')) {
      names.push(name);
      if (name === 'a') for await (const _first of body) break;
    }
    expect(names).toEqual(['a', 'b']);
  });

  test.each([
    ['nothing', ''],
    ['no end', '--x\nContent-Disposition: form-data; name="a"\n\nvalue'],
    ['no boundary', 'just text'],
    ['a head without an end', `--x\n${'a: b\n'.repeat(10_000)}`],
    ['something behind a boundary', '--x oops\n\nvalue\n--x--'],
  ])('with %s is refused', async (_what, text) => {
    await expect(read(form(text), 'x')).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  test.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    `multipart/form-data; boundary=${'x'.repeat(201)}`,
  ])('without a boundary is refused: %s', (type) => {
    expect(() => boundaryOf(type)).toThrow('boundary');
  });

  test('has its boundary quoted or not', () => {
    expect(boundaryOf('multipart/form-data; boundary="a b"; charset=x')).toBe('a b');
    expect(boundaryOf('Multipart/Form-Data; charset=x; Boundary=ab')).toBe('ab');
  });
});
