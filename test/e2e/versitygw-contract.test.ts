import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { systemClock } from '../../src/base/clock.ts';
import { systemRandom } from '../../src/base/random.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Home } from '../../src/workspace/home.ts';
import type { ObjectStore } from '../../src/workspace/object-store.ts';
import { openHome } from '../../src/workspace/open-home.ts';
import { makeS3Store } from '../../src/workspace/s3/store.ts';
import { objectStoreContract } from '../support/object-store-contract.ts';
import { makeOddTree } from '../support/workspace/odd-tree.ts';
import { readTree } from '../support/workspace/tree.ts';

// Not a measure: other work on the machine must not fail it.
jest.setTimeout(600_000);

/** The S3 that `make up` uses: versitygw, unless the environment names another. */
const Environment = z.object({
  MATRX_S3_BUCKET: z.string(),
  AWS_ENDPOINT_URL_S3: z.url().optional(),
  AWS_REGION: z.string(),
});

const connect = (bucket?: string): ObjectStore => {
  const { MATRX_S3_BUCKET, AWS_ENDPOINT_URL_S3, AWS_REGION } = loadConfig(Environment);
  return makeS3Store({
    bucket: bucket ?? MATRX_S3_BUCKET,
    ...(AWS_ENDPOINT_URL_S3 === undefined ? {} : { endpoint: AWS_ENDPOINT_URL_S3 }),
    region: AWS_REGION,
    clock: systemClock,
    random: systemRandom,
  });
};

objectStoreContract("the cluster's S3 server", async () => {
  const [store, missingBucket] = [connect(), connect(`matrx-missing-${systemRandom.hex(8)}`)];
  const close = (): Promise<void> => {
    store.close();
    missingBucket.close();
    return Promise.resolve();
  };
  return Promise.resolve({ store, missingBucket, close });
});

describe("a workspace in the cluster's S3 server", () => {
  const prefix = `contract/${systemRandom.hex(8)}/`;
  const folder = mkdtempSync(join(tmpdir(), 'matrx-contract-'));
  let store: ObjectStore;
  beforeAll(() => {
    store = connect();
  });
  afterAll(async () => {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    await store.delete(keys);
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = async (epoch: number): Promise<Home & { readonly folder: string }> => {
    const base = join(folder, String(epoch));
    mkdirSync(base);
    const home = await openHome({
      store,
      prefix,
      epoch,
      writer: `contract test ${epoch}`,
      home: join(base, 'home'),
      state: join(base, 'state'),
      ownerId: 1000,
      clock: systemClock,
      random: systemRandom,
    });
    await home.restore({});
    return { ...home, folder: join(base, 'home') };
  };

  test('comes back exactly, and fences its older writer', async () => {
    const first = await open(1);
    makeOddTree(first.folder);
    expect(await first.commit({ final: true })).toMatchObject({ committed: true, dirty: 0, head: { sequence: 1 } });
    const second = await open(2);
    expect(readTree(second.folder)).toEqual(readTree(first.folder));
    mkdirSync(join(first.folder, 'late'));
    await expect(first.commit({})).rejects.toMatchObject({ reason: 'Fenced' });
    expect((await first.saveConflict({})).manifest).toMatch(/^\.ws\/conflicts\//);
    await Promise.all([first.close(), second.close()]);
  });
});
