import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandom } from '../../../src/base/random.ts';
import type { IssuedCredentials } from '../../../src/node/cold/credentials.ts';
import { credentialFiles, writeCredentials } from '../../../src/node/cold/credentials-file.ts';
import { keepCredentials } from '../../../src/node/cold/keep-credentials.ts';
import { makeVirtualClock } from '../../support/virtual-clock.ts';

const HOUR = 3_600_000;

describe('credentials that are kept fresh', () => {
  it('are renewed at half of their life, and tried again while the server is away', async () => {
    const clock = makeVirtualClock();
    const begun = clock.now();
    const written: number[] = [];
    const failed: number[] = [];
    let calls = 0;
    const end = new AbortController();
    const done = keepCredentials(
      {
        provider: {
          issue: () => {
            calls += 1;
            if (calls === 2) return Promise.reject(new Error('away'));
            const issued: IssuedCredentials = {
              accessKeyId: 'a',
              secretAccessKey: 's',
              isolation: 'prefix',
              expiresAt: clock.now() + HOUR,
            };
            return Promise.resolve(issued);
          },
        },
        clock,
        random: systemRandom,
        write: () => {
          written.push(clock.now() - begun);
          return Promise.resolve();
        },
        onFailure: () => failed.push(clock.now() - begun),
      },
      () => ({ userId: 'ann', session: 's' }),
      end.signal,
    );
    await clock.advance(HOUR / 2 + 2000);
    expect(failed).toEqual([HOUR / 2]);
    expect(written).toHaveLength(2);
    expect(written[0]).toBe(0);
    expect(written[1]).toBeGreaterThan(HOUR / 2);
    end.abort();
    await done;
  });
});

describe('the files by which a mount gets them', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "matrx cold $HOME'"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are for root alone, hold what credential_process must print, and are used until five minutes before the end', async () => {
    const inner = join(folder, 'run');
    await writeCredentials(inner, {
      accessKeyId: 'a',
      secretAccessKey: 's',
      sessionToken: 't',
      expiresAt: Date.UTC(2026, 0, 1, 1),
    });
    const files = credentialFiles(inner);
    expect(statSync(inner).mode & 0o777).toBe(0o700);
    expect(statSync(files.answer).mode & 0o777).toBe(0o600);
    const command = /credential_process = (.*)/.exec(readFileSync(files.config, 'utf8'))?.[1] ?? '';
    expect(JSON.parse(execFileSync('sh', ['-c', command], { encoding: 'utf8' }))).toEqual({
      Version: 1,
      AccessKeyId: 'a',
      SecretAccessKey: 's',
      SessionToken: 't',
      Expiration: '2026-01-01T00:55:00.000Z',
    });
  });
});
