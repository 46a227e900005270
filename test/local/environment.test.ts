import { execFileSync } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { loadLocalSettings } from '../../src/config/local.ts';
import { givenBucket } from '../../src/local/bucket.ts';
import { exportLines, shellQuote } from '../../src/local/environment.ts';

describe('export lines', () => {
  it('are read back by a shell exactly as they were', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')),
          { maxLength: 8 },
        ),
        (values) => {
          const script = `printf '%s\\0' ${values.map(shellQuote).join(' ')}`;
          const read = values.length === 0 ? '' : execFileSync('sh', ['-c', script], { encoding: 'utf8' });
          expect(read).toBe(values.map((value) => `${Buffer.from(value, 'utf8').toString('utf8')}\0`).join(''));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('put our programs first in PATH, and drop a CA bundle only where the server is not AWS', () => {
    const local = exportLines({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:7070' }, { bin: '/state/bin' });
    expect(local).toEqual([
      "export AWS_ENDPOINT_URL_S3='http://127.0.0.1:7070'",
      'export PATH=\'/state/bin\':"$PATH"',
      'unset AWS_CA_BUNDLE',
    ]);
    expect(exportLines({ AWS_REGION: 'eu-central-1' }, { bin: undefined })).toEqual([
      "export AWS_REGION='eu-central-1'",
    ]);
  });
});

describe('the bucket', () => {
  const embedded = {
    embedded: true,
    bucket: 'matrx-workspaces',
    region: 'us-east-1',
    endpoint: 'http://127.0.0.1:7070',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  };

  it('is a given one when the environment names it', () => {
    const { bucket } = loadLocalSettings({
      MATRX_S3_BUCKET: 'homes',
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    expect(givenBucket(bucket, embedded)).toEqual({
      bucket: 'homes',
      region: 'eu-central-1',
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    });
  });

  it('stays the embedded one when the environment holds what `env` printed', () => {
    const { bucket } = loadLocalSettings({
      MATRX_S3_BUCKET: embedded.bucket,
      AWS_ENDPOINT_URL_S3: embedded.endpoint,
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
    });
    expect(givenBucket(bucket, embedded)).toBeUndefined();
  });

  it('is the embedded one when credentials alone are set', () => {
    expect(loadLocalSettings({ AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }).bucket).toBeUndefined();
  });
});

describe('folders', () => {
  it('of root lie under /var/lib, those of others in their home', () => {
    expect(loadLocalSettings({ HOME: '/root' }, true)).toMatchObject({
      stateDir: '/var/lib/matrx-local',
      cacheDir: '/root/.cache/matrx-sandbox',
    });
    expect(loadLocalSettings({ HOME: '/home/ann', XDG_CACHE_HOME: '/scratch' }, false)).toMatchObject({
      stateDir: '/home/ann/.local/state/matrx-sandbox',
      cacheDir: '/scratch/matrx-sandbox',
    });
  });

  it('can be named', () => {
    expect(loadLocalSettings({ MATRX_STATE_DIR: '/s', MATRX_CACHE_DIR: '/c' })).toMatchObject({
      stateDir: '/s',
      cacheDir: '/c',
    });
  });
});
