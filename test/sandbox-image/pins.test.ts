import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { describe, expect, it } from '@jest/globals';

const project = join(import.meta.dirname, '../..');
const folder = join(project, 'sandbox-image');
const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

describe('what the sandbox images download', () => {
  it('is pinned by SHA-256: Node.js as the one that this project runs on', async () => {
    const expected = new Map(
      (await read('core/SHA256SUMS'))
        .trim()
        .split('\n')
        .map((line) => line.split(/ +/).toReversed() as [string, string]),
    );
    expect([...expected.keys()].toSorted()).toEqual(['node-amd64', 'node-arm64', 'npm.tgz']);
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(project, 'node_modules/node/bin/node')), hash);
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    expect(expected.get(`node-${architecture}`)).toBe(hash.digest('hex'));
  });

  it('is pinned by SHA-256: every Python package, with a version', async () => {
    const names = (await readdir(folder, { recursive: true })).filter(
      (name) => name.endsWith('requirements.txt') && !name.startsWith('sdk/'),
    );
    expect(names).toContain('core/requirements.txt');
    expect(names).toContain('full/requirements.txt');
    for (const name of names) {
      // One requirement a line, once lines that end with a backslash are joined.
      const requirements = (await read(name))
        .replaceAll(/\\\n\s*/g, '')
        .split('\n')
        .filter((line) => /^[a-z]/i.test(line));
      expect(requirements.length).toBeGreaterThan(0);
      expect(requirements.filter((line) => !/^[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}/.test(line))).toEqual([]);
    }
  });

  it('is all that was asked for', async () => {
    for (const variant of ['core', 'full']) {
      const pinned = await read(`${variant}/requirements.txt`);
      const wanted = (await read(`${variant}/requirements.in`)).split('\n').filter((line) => /^[a-z]/i.test(line));
      expect(wanted.filter((name) => !new RegExp(`^${name}==`, 'm').test(pinned))).toEqual([]);
    }
  });
});
