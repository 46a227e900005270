import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundled } from '../support/bundled.ts';
import { FORBIDDEN, operationIs } from '../support/fake-s3/faults.ts';
import { makeOddTree } from '../support/workspace/odd-tree.ts';
import { makeTestHomes, PREFIX, type TestHome, type TestHomes } from '../support/workspace/test-homes.ts';
import { readTree } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(300_000);

const MAIN = bundled(new URL('../../src/main.ts', import.meta.url));
const RECOVER = fileURLToPath(new URL('../../docs/recover.py', import.meta.url));
let homes: TestHomes;
let home: TestHome;
beforeEach(async () => {
  homes = await makeTestHomes();
  home = await homes.next();
});
afterEach(() => homes.close());

/** `matrx workspace …` in a process of its own, on the fake S3. */
const matrx = async (args: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [...MAIN.args, 'workspace', ...args], {
    env: {
      PATH: process.env['PATH'],
      MATRX_S3_BUCKET: 'test',
      AWS_ENDPOINT_URL_S3: homes.fake.endpoint,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      ...MAIN.env,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
};
const at = (path: string): string => join(homes.folder, path);
const head = () =>
  JSON.parse(homes.fake.buckets.get('test')!.get(`${PREFIX}.ws/HEAD`)!.body.toString()) as {
    epoch: number;
    sequence: number;
  };

test('log lists the commits, the newest first; restore brings any of them back, and claims nothing', async () => {
  writeFileSync(join(home.folder, 'file'), 'one');
  await home.commit({});
  const first = readTree(home.folder);
  writeFileSync(join(home.folder, 'file'), 'second');
  await home.commit({});
  const before = head();

  const log = await matrx(['log', '--user', 'ann']);
  expect(log).toMatchObject({ code: 0, err: '' });
  expect(log.out).toMatch(/^s3:\/\/test\/users\/ann\/: sequence 2, written by sandbox\/epoch-1 on test \(epoch 1\)\n/);
  const rows = log.out.split('\n').slice(2, 4);
  expect(rows[0]).toMatch(/^2 +\S+Z +1 +6 B +sandbox\/epoch-1 on test +0000000001-0000000002-[0-9a-f]{8}\.json\.gz$/);
  const oldest = rows[1]!.split(' ').at(-1)!;

  expect(await matrx(['restore', '--user', 'ann', '--to', at('head')])).toMatchObject({ code: 0 });
  expect(await matrx(['restore', '--user', 'ann', '--to', at('old'), '--at', oldest])).toMatchObject({ code: 0 });
  expect(readTree(at('head'))).toEqual(readTree(home.folder));
  expect(readTree(at('old'))).toEqual(first);
  expect(statSync(at('old/file')).uid).toBe(process.getuid?.());
  expect(head()).toEqual(before);
  expect(await home.commit({})).toMatchObject({ committed: false });
});

test('restore writes into an empty folder only, and takes a partial tree away again', async () => {
  writeFileSync(join(home.folder, 'file'), 'content');
  await home.commit({});
  mkdirSync(at('full'));
  writeFileSync(at('full/mine'), 'mine');
  expect(await matrx(['restore', '--user', 'ann', '--to', at('full')])).toMatchObject({
    code: 1,
    err: expect.stringContaining('is not empty'),
  });
  expect(readdirSync(at('full'))).toEqual(['mine']);
  homes.fake.faults.add({ when: operationIs('GetObject', 'packs'), action: FORBIDDEN });
  expect(await matrx(['restore', '--user', 'ann', '--to', at('half')])).toMatchObject({
    code: 1,
    err: expect.stringContaining('s3:GetObject'),
  });
  expect(readdirSync(at('half'))).toEqual([]);
});

test('commit makes a folder the new state, a second one only what changed, and a later sandbox has it', async () => {
  writeFileSync(join(home.folder, 'of the sandbox'), 'x');
  await home.commit({});
  const folder = at('filled by hand');
  mkdirSync(folder);
  makeOddTree(folder);
  const expected = readTree(folder);
  const first = await matrx(['commit', '--user', 'ann', '--from', folder]);
  expect(first).toMatchObject({
    code: 0,
    err: '',
    out: expect.stringContaining('as sequence 2 of s3://test/users/ann/'),
  });
  expect(await matrx(['commit', '--user', 'ann', '--from', folder])).toMatchObject({
    code: 0,
    out: expect.stringContaining('nothing has changed since sequence 2'),
  });
  writeFileSync(join(home.folder, 'unsaved'), 'x');
  await expect(home.commit({})).rejects.toMatchObject({ reason: 'Fenced' });
  await home.saveConflict({});
  expect((await matrx(['log', '--user', 'ann'])).out).toMatch(/\nconflict: \.ws\/conflicts\/0000000001-/);
  // The controller's next number, which nobody else has used.
  const next = await homes.next();
  expect(next.options.epoch).toBe(2);
  expect(readTree(next.folder)).toEqual(expected);
});

/** Objects that cold storage has put there. */
const putCold = (user: string, ...names: readonly string[]): void => {
  const bucket = homes.fake.buckets.get('test')!;
  const [any] = [...bucket.values()];
  for (const name of names) bucket.set(`users/${user}/cold/${name}`, { ...any!, body: Buffer.from('12345') });
};
const keys = (): readonly string[] => [...homes.fake.buckets.get('test')!.keys()];

test('stats counts both tiers of one user, and of no other [A4.1]', async () => {
  writeFileSync(join(home.folder, 'file'), 'one');
  await home.commit({});
  putCold('ann', 'a', 'folder/b');
  putCold('anna', 'c');
  const { code, out } = await matrx(['stats', '--user', 'ann', '--json']);
  const hot = keys().filter((key) => key.startsWith(`${PREFIX}.ws/`));
  expect({ code, stats: JSON.parse(out) as unknown }).toEqual({
    code: 0,
    stats: {
      hot: { total_objects: hot.length, total_size_bytes: expect.any(Number) },
      cold: { total_objects: 2, total_size_bytes: 10 },
      head: { files: 1, bytes: 3 },
    },
  });
  expect((await matrx(['stats', '--user', 'ann'])).out).toMatch(
    /\ncold +2 +10 B\nfiles in the newest commit: 1, 3 B\n$/,
  );
});

test('cleanup deletes a tier of one user, says how much, and may be repeated [A4.1]', async () => {
  writeFileSync(join(home.folder, 'file'), 'one');
  await home.commit({});
  putCold('ann', 'a', 'folder/b');
  putCold('anna', 'c');
  expect(await matrx(['cleanup', '--user', 'ann', '--tier', 'cold', '--yes', '--json'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('"cold": 2'),
  });
  expect(head().sequence).toBe(1);
  expect(await matrx(['cleanup', '--user', 'ann', '--tier', 'all', '--yes'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/: [1-9]\d* objects of hot deleted\n.*: 0 objects of cold deleted\n/),
  });
  expect(keys()).toEqual(['users/anna/cold/c']);
});

test('a cleanup that is cut off has taken HEAD first: what is left is no workspace', async () => {
  writeFileSync(join(home.folder, 'file'), 'one');
  await home.commit({});
  let deletes = 0;
  homes.fake.faults.add({
    when: (request) => operationIs('DeleteObjects')(request) && (deletes += 1) > 1,
    action: FORBIDDEN,
  });
  expect(await matrx(['cleanup', '--user', 'ann', '--tier', 'hot', '--yes'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('s3:DeleteObject'),
  });
  expect(keys().length).toBeGreaterThan(0);
  expect((await matrx(['log', '--user', 'ann'])).out).toContain('does not exist');
});

test('cleanup without a terminal to ask on deletes nothing', async () => {
  writeFileSync(join(home.folder, 'file'), 'one');
  await home.commit({});
  const before = keys();
  expect(await matrx(['cleanup', '--user', 'ann', '--tier', 'all'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('--yes'),
  });
  expect(keys()).toEqual(before);
});

test('commit writes a workspace that did not exist; its first sandbox gets epoch 1', async () => {
  const folder = at('new');
  mkdirSync(folder);
  writeFileSync(join(folder, 'file'), 'content');
  const args = ['--user', 'bob', '--json'];
  expect(await matrx(['log', ...args])).toMatchObject({ code: 0, out: 'null\n' });
  const { code, out } = await matrx(['commit', ...args, '--from', folder]);
  expect([code, JSON.parse(out)]).toMatchObject([0, { committed: true, head: { epoch: 0, sequence: 1, files: 1 } }]);
  const sandbox = await homes.open('bob', 1, { prefix: 'users/bob/' });
  await sandbox.restore({});
  expect(readTree(sandbox.folder)).toEqual(readTree(folder));
});

test('verify reads every byte: 0 when all is whole, 1 and a list when not', async () => {
  writeFileSync(join(home.folder, 'small'), 'small');
  writeFileSync(join(home.folder, 'large'), Buffer.alloc(9 << 20, 'large'));
  await home.commit({});
  expect(await matrx(['verify', '--user', 'ann'])).toMatchObject({
    code: 0,
    out: expect.stringContaining('is whole: 2 files'),
  });

  const bucket = homes.fake.buckets.get('test')!;
  const key = [...bucket.keys()].find((name) => name.includes('blobs'))!;
  bucket.delete(key);
  const damaged = await matrx(['verify', '--user', 'ann']);
  expect(damaged).toMatchObject({ code: 1, out: expect.stringContaining(`s3://test/${key} is missing`) });
  expect(damaged.out).toContain('"large"');
  expect(damaged.out).not.toContain('"small"');
});

test.each([
  [['log'], {}, 'give --user, or --prefix, one of them'],
  [['log', '--user', 'ann'], { MATRX_S3_BUCKET: '' }, 'no bucket: give --bucket, or set MATRX_S3_BUCKET'],
  [['log', '--user', 'a/../b'], {}, 'user id "a/../b" is not valid'],
  [['log', '--prefix', 'users/ann'], {}, 'does not end in /'],
  [['log', '--user', 'ann', '--bucket', 'missing'], {}, 'create the bucket missing'],
  [['restore', '--user', 'nobody', '--to', '/nonexistent'], {}, 'has no commit to restore'],
  [['restore', '--user', 'ann', '--to', '/nonexistent', '--at', 'x'], {}, '"x" is no manifest'],
  [['log', '--user', 'ann', '--limit', 'many'], {}, 'takes a whole number'],
  [['commit', '--user', 'ann', '--from', '/nonexistent/folder'], {}, 'cannot open'],
])('%j says what is wrong', async (args, environment, message) => {
  const { code, err } = await matrx(args, environment);
  expect(err).toContain(message);
  expect(code).toBe(1);
});

test('everything can be recovered without matrx: by docs/recover.py from a copy of the objects', async () => {
  makeOddTree(home.folder);
  await home.commit({ final: true });
  for (const [key, { body }] of homes.fake.buckets.get('test')!) {
    const path = join(at('copy'), key.slice(PREFIX.length));
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, body);
  }
  execFileSync('python3', [RECOVER, at('copy'), at('recovered')]);
  expect(readTree(at('recovered'))).toEqual(readTree(home.folder));
});

test('a pack is an ordinary tar file', async () => {
  writeFileSync(join(home.folder, 'name with ü'), 'content');
  writeFileSync(join(home.folder, 'empty'), '');
  await home.commit({});
  const [, pack] = [...homes.fake.buckets.get('test')!].find(([key]) => key.includes('packs'))!;
  writeFileSync(at('pack.tar'), pack.body);
  mkdirSync(at('unpacked'));
  execFileSync('tar', ['-xf', at('pack.tar'), '-C', at('unpacked')]);
  const unpacked = readTree(at('unpacked')).find(({ type }) => type === 'file');
  expect(unpacked).toEqual(readTree(home.folder).find(({ size }) => size > 0));
});
