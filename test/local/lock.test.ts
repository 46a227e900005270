import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { withLock } from '../../src/local/lock.ts';
import { identifyProcess } from '../../src/base/process-identity.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'matrx-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the lock of a state folder', () => {
  it('is held while something works, and let go after it, also when that fails', async () => {
    await expect(withLock(folder, () => withLock(folder, async () => 'second'))).rejects.toThrow(
      `(pid ${process.pid})`,
    );
    expect(await readdir(folder)).toEqual([]);
    expect(await withLock(folder, async () => 'again')).toBe('again');
  });

  it('of a process that has ended counts for nothing', async () => {
    const self = await identifyProcess(process.pid);
    await writeFile(join(folder, 'lock'), JSON.stringify({ ...self, startTicks: '1' }));
    expect(await withLock(folder, async () => 'taken')).toBe('taken');
  });

  it('that was cut short while it was written counts for nothing', async () => {
    await writeFile(join(folder, 'lock'), '{"pid":');
    expect(await withLock(folder, async () => 'taken')).toBe('taken');
  });
});
