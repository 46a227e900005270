import { afterEach, beforeEach, expect, test, jest } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { systemClock } from '../../src/base/clock.ts';
import type { Entry } from '../../src/workspace/entry.ts';
import { encodeManifest } from '../../src/workspace/manifest.ts';
import { openRoot } from '../../src/workspace/root.ts';
import { scanHome } from '../../src/workspace/scan.ts';
import { decodeHead, encodeHead } from '../../src/workspace/head.ts';
import { makeTestHomes, PREFIX, type TestHome, type TestHomes } from '../support/workspace/test-homes.ts';
import { readTree } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(300_000);

let homes: TestHomes;
let home: TestHome;
beforeEach(async () => {
  homes = await makeTestHomes();
  home = await homes.next();
});
afterEach(() => homes.close());

const at = (path: string): string => join(home.folder, path);
const everythingStored = (): string =>
  [...homes.fake.buckets.get('test')!.entries()]
    .map(([key, { body }]) => (key.endsWith('.gz') ? gunzipSync(body) : body).toString('latin1'))
    .join('\n');

test('a directory swapped for a symlink again and again never leads out of the home', async () => {
  const outside = join(homes.folder, 'outside');
  mkdirSync(outside);
  for (let i = 0; i < 20; i++) writeFileSync(join(outside, `file ${i}`), 'SECRET OF THE NODE');
  mkdirSync(at('swapped'));
  for (let i = 0; i < 20; i++) writeFileSync(at(`swapped/file ${i}`), 'harmless');
  const script = 'while :; do mv swapped real; ln -s "$0" swapped; rm swapped; mv real swapped; done';
  const attacker = spawn('sh', ['-c', script, outside], { cwd: home.folder, stdio: 'ignore' });
  try {
    for (let i = 0; i < 30; i++) {
      // What is read must differ each time, or nothing is read.
      writeFileSync(at('trigger'), `${i}`);
      await home.commit({});
    }
  } finally {
    attacker.kill('SIGKILL');
    await once(attacker, 'exit');
  }
  expect(everythingStored()).not.toContain('SECRET OF THE NODE');
});

test('a directory that is a symlink at the moment it is opened does not count as a directory', () => {
  mkdirSync(at('real/inner'), { recursive: true });
  symlinkSync('real', at('alias'));
  symlinkSync('/etc', at('etc'));
  const root = openRoot(home.folder);
  expect(root.openDirectory('alias')).toBeUndefined();
  expect(root.openDirectory('alias/inner')).toBeUndefined();
  expect(root.openDirectory('etc')).toBeUndefined();
  expect(root.openDirectory('etc/ssl')).toBeUndefined();
  expect(root.openDirectory('real/..')).toBeUndefined();
  const inner = root.openDirectory('real/inner');
  expect(inner?.stats.isDirectory()).toBe(true);
  inner?.close();
  root.close();
});

test('a file swapped for a FIFO, a symlink or a device between look and open neither blocks nor is followed', async () => {
  for (let i = 0; i < 10; i++) writeFileSync(at(`file ${i}`), 'harmless');
  await home.commit({});
  const script =
    'while :; do for i in 0 1 2 3 4 5 6 7 8 9; do rm -f "file $i"; mkfifo "file $i"; rm "file $i"; ln -s /etc/passwd "file $i"; rm "file $i"; echo $i > "file $i"; done; done';
  const attacker = spawn('sh', ['-c', script], { cwd: home.folder, stdio: 'ignore' });
  try {
    for (let i = 0; i < 20; i++) await home.commit({});
  } finally {
    attacker.kill('SIGKILL');
    await once(attacker, 'exit');
  }
  expect(everythingStored()).not.toContain('root:x:0:0');
});

test('symlinks to outside are kept as links, never followed', async () => {
  symlinkSync('/etc/passwd', at('passwd'));
  symlinkSync('/', at('root'));
  await home.commit({ final: true });
  expect(everythingStored()).not.toContain('root:x:0:0');
});

test('names that look like options, or like commands, are names', async () => {
  for (const name of [
    '-rf',
    '--to-command=touch evil',
    '$(touch evil)',
    '`touch evil`',
    '@LongLink',
    '././@PaxHeader',
  ]) {
    mkdirSync(join(at(name), '..'), { recursive: true });
    writeFileSync(at(name), name);
  }
  await home.commit({ final: true });
  expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
  expect(existsSync('evil')).toBe(false);
});

test('a directory moved during the scan is in the commit, at its old or its new place', async () => {
  mkdirSync(at('a/inner'), { recursive: true });
  mkdirSync(at('z'));
  for (let i = 0; i < 50; i++) writeFileSync(at(`a/inner/${i}`), `${i}`);
  const root = openRoot(home.folder);
  let moved = false;
  // The scan asks the clock between two directories: the moment for the move.
  const clock = {
    ...systemClock,
    monotonic: () => {
      if (!moved && existsSync(at('a/inner'))) {
        renameSync(at('a/inner'), at('z/inner'));
        moved = true;
      }
      return systemClock.monotonic();
    },
  };
  const { observed } = await scanHome(root, clock);
  root.close();
  expect(moved).toBe(true);
  expect(observed.filter(({ type }) => type === 'file')).toHaveLength(50);
});

test('paths longer than the kernel takes are skipped and listed, not fatal', async () => {
  writeFileSync(at('file'), 'content');
  const script =
    'n=$(printf "d%.0s" $(seq 200)); for i in $(seq 30); do mkdir $n && cd -P $n || exit 1; done; echo deep > file';
  execFileSync('sh', ['-c', script], { cwd: home.folder });
  const report = await home.commit({ final: true });
  expect(report).toMatchObject({ committed: true, skippedTotal: 1, head: { files: 1 } });
  const restored = await homes.next();
  expect(readFileSync(join(restored.folder, 'file'), 'utf8')).toBe('content');
  execFileSync('rm', ['-rf', home.folder]);
});

const tree = (...entries: readonly Entry[]): readonly Entry[] => [
  { type: 'directory', path: '', mode: 0o755, mtimeNs: 0n },
  ...entries,
];
const file = (path: string): Entry => ({
  type: 'file',
  path,
  mode: 0o644,
  mtimeNs: 0n,
  size: 0,
  content: { kind: 'empty' },
});
const link = (path: string, target: string): Entry => ({ type: 'symlink', path, mode: 0o777, mtimeNs: 0n, target });

test.each([
  ['an absolute path', tree(file('/etc/cron.d/evil'))],
  ['a path that climbs', tree(file('../evil'))],
  [
    'a path that climbs in the middle',
    tree({ type: 'directory', path: 'a', mode: 0o755, mtimeNs: 0n }, file('a/../../evil')),
  ],
  ['an empty segment', tree(file('a//b'))],
  ['a NUL', tree(file('a\0b'))],
  ['a file below a symlink', tree(link('out', '/etc'), file('out/evil'))],
  ['a file below a file', tree(file('a'), file('a/b'))],
  ['the same path twice', tree(file('a'), file('a'))],
  ['no home', [file('a')]],
])('a manifest with %s is refused before anything is written', async (_name, entries) => {
  writeFileSync(at('file'), 'content');
  await home.commit({});
  const bucket = homes.fake.buckets.get('test')!;
  const headObject = bucket.get(`${PREFIX}.ws/HEAD`)!;
  const head = decodeHead(headObject.body, 'HEAD');
  const { body, sha256 } = await encodeManifest({
    epoch: 1,
    sequence: 1,
    writer: 'evil',
    createdAt: 0,
    parent: undefined,
    packs: new Map(),
    skipped: [],
    entries,
  });
  bucket.set(PREFIX + head.manifest!, { ...headObject, body });
  bucket.set(`${PREFIX}.ws/HEAD`, { ...headObject, body: encodeHead({ ...head, manifestSha256: sha256 }) });
  const victim = await homes.open('victim', 2);
  await expect(victim.restore({})).rejects.toMatchObject({
    reason: 'Corrupt',
    message: expect.stringContaining('impossible tree'),
  });
  expect(readTree(victim.folder)).toHaveLength(1);
  rmSync(victim.folder, { recursive: true });
});
