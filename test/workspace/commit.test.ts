import { afterEach, beforeEach, expect, test, jest } from '@jest/globals';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isHomeError, type CommitReport } from '../../src/workspace/home.ts';
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
const putKeys = (from: number): readonly string[] =>
  homes.fake.log
    .slice(from)
    .map(({ operation, key }) => `${operation} ${key.slice(PREFIX.length).replace(/[0-9a-f-]{16,}.*/, '…')}`);
const during = async (action: () => Promise<unknown>): Promise<readonly string[]> => {
  const from = homes.fake.log.length;
  await action();
  return putKeys(from);
};

test('a new workspace has a HEAD without a manifest, and nothing to commit', async () => {
  const requests = await during(async () => {
    expect(await home.commit({ final: true })).toMatchObject({
      committed: false,
      head: { epoch: 1, sequence: 0, manifest: undefined, files: 0, bytes: 0 },
    });
  });
  expect(requests).toEqual([]);
});

test('a commit of small files is three requests: pack, manifest, HEAD', async () => {
  for (let i = 0; i < 100; i++) writeFileSync(at(`file ${i}`), `content ${i}`);
  let report: CommitReport | undefined;
  const requests = await during(async () => {
    report = await home.commit({});
  });
  expect(requests).toEqual(['PutObject .ws/packs/…', 'PutObject .ws/manifests/…', 'PutObject .ws/HEAD']);
  expect(report).toMatchObject({ committed: true, dirty: 0, head: { epoch: 1, sequence: 1, files: 100, bytes: 990 } });
});

test('without a change no request is sent, and the report says what HEAD is', async () => {
  writeFileSync(at('file'), 'content');
  const { head } = await home.commit({});
  expect(await during(async () => expect(await home.commit({})).toMatchObject({ committed: false, head }))).toEqual([]);
});

test('a rename, a copy, a hard link and a chmod upload no content', async () => {
  writeFileSync(at('small'), 'small');
  writeFileSync(at('large'), Buffer.alloc(9 << 20, 'large'));
  await home.commit({});
  renameSync(at('small'), at('small renamed'));
  renameSync(at('large'), at('large renamed'));
  writeFileSync(at('copy'), 'small');
  linkSync(at('copy'), at('link'));
  chmodSync(at('copy'), 0o600);
  const requests = await during(() => home.commit({}));
  expect(requests).toEqual(['PutObject .ws/manifests/…', 'PutObject .ws/HEAD']);
  expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
});

test('an append to a large file uploads its last blob only', async () => {
  writeFileSync(at('log'), Buffer.alloc(17 << 20, 'line\n'));
  await home.commit({});
  appendFileSync(at('log'), 'more');
  const requests = await during(() => home.commit({}));
  expect(requests).toEqual(['PutObject .ws/blobs/…', 'PutObject .ws/manifests/…', 'PutObject .ws/HEAD']);
  expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
});

test('a change that keeps size and mtime is found', async () => {
  writeFileSync(at('file'), 'one');
  utimesSync(at('file'), 1, 1);
  await home.commit({});
  writeFileSync(at('file'), 'two');
  utimesSync(at('file'), 1, 1);
  expect((await home.commit({})).committed).toBe(true);
  expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
});

test('everything a change can be is committed: delete, new type, empty directory, mode, symlink target, times', async () => {
  mkdirSync(at('directory'));
  writeFileSync(at('directory/file'), 'file');
  writeFileSync(at('was file'), 'file');
  mkdirSync(at('was directory'));
  writeFileSync(at('deleted'), 'x');
  symlinkSync('a', at('link'));
  await home.commit({});
  const steps: readonly (() => void)[] = [
    () => rmSync(at('deleted')),
    () => {
      rmSync(at('was file'));
      mkdirSync(at('was file'));
    },
    () => {
      rmSync(at('was directory'), { recursive: true });
      writeFileSync(at('was directory'), 'file now');
    },
    () => mkdirSync(at('empty directory')),
    () => chmodSync(at('directory'), 0o700),
    () => {
      rmSync(at('link'));
      symlinkSync('b', at('link'));
    },
    () => utimesSync(at('directory/file'), 5, 5),
    () => utimesSync(at('directory'), 6, 6),
    () => chmodSync(home.folder, 0o711),
    () => rmSync(at('directory'), { recursive: true }),
  ];
  for (const step of steps) {
    step();
    expect((await home.commit({})).committed).toBe(true);
    expect(readTree((await homes.next()).folder)).toEqual(readTree(home.folder));
    home = await homes.next();
  }
});

test('a restart reads no file again and sends no request', async () => {
  writeFileSync(at('file'), 'content');
  await home.commit({});
  const { head } = await home.commit({});
  await home.close();
  const requests = await during(async () => {
    const again = await homes.open('epoch-1', 1);
    expect(await again.restore({})).toEqual({ head, resumed: true });
    expect(await again.commit({})).toMatchObject({ committed: false, head });
  });
  expect(requests).toEqual([]);
});

test('a lost index costs reading, not uploading', async () => {
  writeFileSync(at('file'), 'content');
  writeFileSync(at('large'), Buffer.alloc(5 << 20, 'x'));
  await home.commit({});
  await home.close();
  rmSync(join(home.state, 'index.json'));
  const again = await homes.open('epoch-1', 1);
  await again.restore({});
  const requests = await during(async () => expect((await again.commit({})).committed).toBe(false));
  expect(requests).toEqual(['GetObject .ws/HEAD', 'GetObject .ws/manifests/…']);
});

test.each([
  ['commit', () => home.commit({})],
  ['saveConflict', () => home.saveConflict({})],
])(
  '%s is refused when another directory is in the place of the home: a disk that is not mounted',
  async (_name, act) => {
    writeFileSync(at('file'), 'content');
    await home.commit({});
    await home.close();
    renameSync(home.folder, `${home.folder}.away`);
    mkdirSync(home.folder);
    home = await homes.open('epoch-1', 1);
    await expect(act()).rejects.toMatchObject({
      reason: 'NotRestored',
      message: expect.stringContaining('not mounted'),
    });
  },
);

test('a home that vanishes while it is open is not published as empty', async () => {
  writeFileSync(at('file'), 'content');
  await home.commit({});
  renameSync(home.folder, `${home.folder}.away`);
  mkdirSync(home.folder);
  await expect(home.commit({})).rejects.toMatchObject({ reason: 'NotRestored' });
});

test('nothing is committed before a restore', async () => {
  const other = await homes.open('other', 2);
  await expect(other.commit({})).rejects.toMatchObject({ reason: 'NotRestored' });
});

test('files of unknown origin are neither restored over nor lost', async () => {
  const other = await homes.open('other', 2);
  mkdirSync(other.folder, { recursive: true });
  writeFileSync(join(other.folder, 'precious'), 'precious');
  await expect(other.restore({})).rejects.toMatchObject({ reason: 'NotRestored' });
  expect(statSync(join(other.folder, 'precious')).size).toBe(8);
  const { manifest } = await other.saveConflict({});
  expect(manifest).toMatch(/^\.ws\/conflicts\/0000000002-/);
});

test('a state directory of another epoch or workspace is refused', async () => {
  await home.close();
  await expect(homes.open('epoch-1', 7)).rejects.toThrow('belongs to epoch 1, not to epoch 7');
  await expect(homes.open('epoch-1', 1, { prefix: 'users/eve/' })).rejects.toThrow('belongs to s3://test/users/ann/');
  await expect(homes.open('epoch-1', 1, { store: { ...homes.store, name: 's3://other' } })).rejects.toThrow(
    'not to s3://other/',
  );
});

test('a final commit of a home that never rests says so, and keeps what it read', async () => {
  let running = true;
  const write = (): void => {
    appendFileSync(at('log'), 'line\n');
    if (running) setImmediate(write);
  };
  write();
  mkdirSync(at('many'));
  for (let i = 0; i < 500; i++) writeFileSync(at(`many/${i}`), `${i}`);
  const thrown: unknown = await home.commit({ final: true }).catch((error: unknown) => error);
  running = false;
  // A fast machine may read the log between two lines; then the home was quiet for that moment.
  if (thrown instanceof Error) expect(isHomeError(thrown, 'NotQuiet')).toBe(true);
  expect(lstatSync(join((await homes.next()).folder, 'many/499')).size).toBe(3);
});

test('operations of one home take turns', async () => {
  writeFileSync(at('file'), 'content');
  const reports = await Promise.all([home.commit({}), home.commit({}), home.commit({})]);
  expect(reports.map(({ committed }) => committed)).toEqual([true, false, false]);
});

test('progress reaches its totals', async () => {
  for (let i = 0; i < 10; i++) writeFileSync(at(`${i}`), Buffer.alloc(1000, `${i}`));
  const seen: number[] = [];
  await home.commit({ onProgress: ({ filesDone, bytesDone }) => seen.push(filesDone, bytesDone) });
  expect(seen.slice(-2)).toEqual([10, 10_000]);
  const other = await homes.open('other', 2);
  await other.restore({ onProgress: ({ filesDone, bytesDone }) => seen.push(filesDone, bytesDone) });
  expect(seen.slice(-2)).toEqual([10, 10_000]);
});
