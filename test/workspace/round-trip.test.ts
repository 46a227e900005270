import { afterEach, beforeEach, expect, test, jest } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { lstatSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { makeOddTree } from '../support/workspace/odd-tree.ts';
import { makeTestHomes, type TestHomes } from '../support/workspace/test-homes.ts';
import { readTree, savedPart } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(300_000);

let homes: TestHomes;
beforeEach(async () => {
  homes = await makeTestHomes();
});
afterEach(() => homes.close());

test('every odd kind of tree comes back exactly: path, type, mode, time, size, bytes, target, hard links', async () => {
  const first = await homes.next();
  makeOddTree(first.folder);
  const before = readTree(first.folder);
  const report = await first.commit({ final: true });
  expect(report).toMatchObject({ committed: true, dirty: 0, skippedTotal: 0 });

  const second = await homes.next();
  expect(readTree(second.folder)).toEqual(before);
  expect(lstatSync(join(second.folder, 'deep')).uid).toBe(process.geteuid?.() === 0 ? 1000 : process.geteuid?.());
});

test('holes come back as holes', async () => {
  const first = await homes.next();
  makeOddTree(first.folder);
  await first.commit({ final: true });
  const second = await homes.next();
  expect(lstatSync(join(second.folder, 'all hole')).blocks).toBe(0);
  expect(lstatSync(join(second.folder, 'hole at the end')).blocks * 512).toBeLessThan(9 << 20);
});

test('sockets, FIFOs and devices are skipped and listed', async () => {
  const first = await homes.next();
  writeFileSync(join(first.folder, 'file'), 'file');
  execFileSync('mkfifo', [join(first.folder, 'a fifo')]);
  if (process.geteuid?.() === 0) execFileSync('mknod', [join(first.folder, 'a null device'), 'c', '1', '3']);
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(join(first.folder, 'z socket'), resolve);
  });
  const report = await first.commit({ final: true });
  const expected = ['a fifo', ...(process.geteuid?.() === 0 ? ['a null device'] : []), 'z socket'];
  expect(report).toMatchObject({ skipped: expected, skippedTotal: expected.length, dirty: 0 });
  const before = savedPart(readTree(first.folder));
  server.close();
  expect(readTree((await homes.next()).folder)).toEqual(before);
});

test('a restored home has nothing to commit, and asks S3 nothing', async () => {
  const first = await homes.next();
  makeOddTree(first.folder);
  await first.commit({ final: true });
  const second = await homes.next();
  const requests = homes.fake.log.length;
  expect(await second.commit({})).toMatchObject({ committed: false, dirty: 0 });
  expect(await second.commit({ final: true })).toMatchObject({ committed: false, dirty: 0 });
  expect(homes.fake.log.length).toBe(requests);
});
