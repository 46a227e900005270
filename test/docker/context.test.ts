import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { extract } from 'tar-stream';
import { contextHash, contextTar, type ContextFile } from '../../src/docker/context.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-context-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const file = async (content: string): Promise<string> => {
  const path = join(folder, 'program');
  await writeFile(path, content);
  return path;
};
const text = (name: string, content: string): ContextFile => ({ name, source: { text: content } });

describe('a build context', () => {
  it('holds each file with its mode and content', async () => {
    const large = 'x'.repeat(300_000);
    const files = [
      text('Dockerfile', 'FROM scratch'),
      { name: 'bin/program', source: { path: await file(large) }, executable: true },
    ];
    const seen: unknown[] = [];
    const unpack = extract();
    unpack.on('entry', (header, stream, next) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk) => chunks.push(chunk as Buffer));
      stream.on('end', () => {
        seen.push([header.name, header.mode?.toString(8), Buffer.concat(chunks).toString() === large]);
        next();
      });
    });
    await pipeline(contextTar(files), unpack);
    expect(seen).toEqual([
      ['Dockerfile', '644', false],
      ['bin/program', '755', true],
    ]);
  });

  it('that cannot be read ends with the error of the file', async () => {
    const files = [{ name: 'gone', source: { path: join(folder, 'gone') } }];
    await expect(contextTar(files).toArray()).rejects.toThrow('gone');
  });

  it('has the same hash in whatever order, and another with any name, mode or content', async () => {
    const path = await file('one');
    const files: readonly ContextFile[] = [text('a', '1'), { name: 'b', source: { path } }];
    const hash = await contextHash(files);
    expect(await contextHash(files.toReversed())).toBe(hash);
    expect(await contextHash([text('a', '1'), text('b', 'one')])).toBe(hash);
    expect(await contextHash([text('a', '2'), text('b', 'one')])).not.toBe(hash);
    expect(await contextHash([text('a', '1'), text('c', 'one')])).not.toBe(hash);
    expect(await contextHash([text('a', '1'), { name: 'b', source: { path }, executable: true }])).not.toBe(hash);
  });
});
